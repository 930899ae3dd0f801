import { Hono } from "hono";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { assets } from "../assets/index.ts";
import type { Env, WebDeps } from "../env.ts";
import { BADGES, status } from "./index.ts";

interface Summary {
  components: readonly { id: string; group: boolean }[];
}

/**
 * Writes the status page with all that belongs to it into `folder`, to be served by anything, wherever
 * the monitor is not.
 *
 * @throws {UsageError} Where the config has no status page, or the folder cannot be written
 */
export async function exportStatus(deps: WebDeps, folder: string): Promise<void> {
  if (deps.config.web.status === null) {
    throw new UsageError('There is no status page: the config has no "web.status"');
  }
  const app = new Hono<Env>().route("/assets", assets()).route("/", status(deps, "index.html"));
  app.onError((error) => {
    throw error;
  });
  const page = await (await app.request("/status")).text();
  const summary = await (await app.request("/status.json")).json() as Summary;
  const sites = summary.components.filter(({ group }) => !group);
  const paths = [
    "/status.json",
    ...Array.from(page.matchAll(/(?:href|src)="(\/[^"]+)"/g), ([, path]) => path!),
    ...sites.flatMap(({ id }) => BADGES.map((what) => `/badge/${id}/${what}.svg`)),
  ];
  // The page stands beside what it links to.
  await write(join(folder, "index.html"), page.replace(/((?:href|src)=")\//g, "$1"));
  for (const path of paths) {
    const answer = await app.request(path);
    await write(join(folder, path), new Uint8Array(await answer.arrayBuffer()));
  }
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    const hint = name === "NotCapable"
      ? ': this task may not write, "deno task httpmon web --export DIR" may'
      : `: ${code}`;
    throw new UsageError(`Cannot write to "${path}"${hint}`, { cause: error });
  }
}

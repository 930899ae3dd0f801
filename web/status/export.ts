import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../runtime/exit_codes.ts";
import { assetText } from "../assets/index.ts";
import type { WebDeps } from "../env.ts";
import { badge } from "./badge.ts";
import { feed } from "./feed.ts";
import { badgeOf, BADGES, coloursOf } from "./index.ts";
import { statusPage } from "./page.tsx";
import { summary } from "./summary.ts";
import { statusViews } from "./view.ts";

/**
 * Writes the status page with all that belongs to it into `folder`, to be served by anything, wherever
 * the monitor is not.
 *
 * @throws {UsageError} Where the config has no status page, or the folder cannot be written
 */
export async function exportStatus(deps: WebDeps, folder: string): Promise<void> {
  const { status, publicUrl } = deps.config.web;
  if (status === null) {
    throw new UsageError('There is no status page: the config has no "web.status"');
  }
  const view = await statusViews(deps)();
  const url = publicUrl === null ? "index.html" : `${publicUrl}/status`;
  const links = {
    style: "style.css",
    script: "client.js",
    colours: "colours.css",
    // Its end tells a plain server what it is.
    logo: `logo.${status.logo?.type.replace(/^image\/|\+xml$/g, "")}`,
    feed: "feed.atom",
  };
  const files: Record<string, string | Uint8Array> = {
    "index.html": String(statusPage(view, status, links)),
    "status.json": JSON.stringify(summary(view, status.title, url)),
    "feed.atom": feed(view, status.title, url),
    [links.style]: assetText("style.css"),
    [links.script]: assetText("client.js"),
    [links.colours]: coloursOf(status.colours),
    ...(status.logo && { [links.logo]: status.logo.bytes }),
  };
  for (const site of view.groups.flatMap(({ sites }) => sites)) {
    const p95 = deps.history.percentiles(site.id)?.p95 ?? null;
    for (const what of BADGES) {
      files[`badge/${site.id}/${what}.svg`] = badge(badgeOf(site, what, p95));
    }
  }
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, content);
    }
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    const hint = name === "NotCapable"
      ? ': this task may not write, "deno task httpmon web --export DIR" may'
      : `: ${code}`;
    throw new UsageError(`Cannot write to "${folder}"${hint}`, { cause: error });
  }
}

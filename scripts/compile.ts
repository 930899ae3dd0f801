/**
 * `deno task compile [--via node] [--out DIR]`: an executable for all modes with everything in it, and
 * one for each that runs by itself: by `deno compile`, each with the permissions of its mode alone, or
 * as a Node single executable and links to it.
 */
import { parseArgs } from "@std/cli/parse-args";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bundleForNode } from "./build/bundle.ts";
import { denoCompile } from "./build/deno_compile.ts";
import { type Executable, EXECUTABLES } from "./build/executables.ts";
import { nodeBinary } from "./build/node_binary.ts";
import { BUNDLED_NODE } from "./build/node_versions.ts";
import { ROOT } from "./build/project.ts";
import { nodeSingleExecutable } from "./build/single_executable.ts";
import { UnavailableError } from "./build/unavailable_error.ts";

/**
 * Makes `executables` in `folder`, and SHA256SUMS of them; `done` is called after each. By Node it is
 * one file, and links to it.
 */
export async function compile(
  via: "deno" | "node",
  folder: string,
  executables: readonly Executable[] = EXECUTABLES,
  done: (executable: Executable) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [whole] = EXECUTABLES as [Executable];
  if (via === "node") {
    const parts = { code: await bundleForNode(), node: await nodeBinary(BUNDLED_NODE) };
    await nodeSingleExecutable(join(folder, whole.name), parts);
  }
  const sums: string[] = [];
  for (const executable of executables) {
    const path = join(folder, executable.name);
    if (via === "deno") await denoCompile(executable, folder);
    else if (executable.name !== whole.name) {
      await rm(path, { force: true });
      await symlink(whole.name, path);
    }
    sums.push(`${await sha256(path)}  ${executable.name}\n`);
    await done(executable);
  }
  await writeFile(join(folder, "SHA256SUMS"), sums.join(""));
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** @returns The exit code */
async function main(args: string[]): Promise<number> {
  const unknown: string[] = [];
  const { via = "deno", out = "" } = parseArgs(args, {
    string: ["via", "out"],
    unknown: (arg) => unknown.push(arg),
  });
  if (unknown.length > 0 || (via !== "deno" && via !== "node")) {
    console.error("Usage: deno task compile [--via deno|node] [--out DIR]");
    return 2;
  }
  // A task runs in the project's folder, and says in INIT_CWD where the person stood.
  const folder = out ? resolve(Deno.env.get("INIT_CWD") ?? "", out) : ROOT;
  try {
    await compile(via, folder, EXECUTABLES, async ({ name }) => {
      const made = await lstat(join(folder, name));
      const what = made.isSymbolicLink() ? "a link" : `${Math.round(made.size / 1e6)} MB`;
      console.log(`Made ${name} (${what})`);
    });
    return 0;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/**
 * `deno task compile [--via node] [--out DIR]`: an executable for each mode, and one for all of them,
 * with everything in it; by `deno compile`, or as Node single executables.
 */
import { parseArgs } from "@std/cli/parse-args";
import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bundleForNode } from "./build/bundle.ts";
import { denoCompile } from "./build/deno_compile.ts";
import { type Executable, EXECUTABLES } from "./build/executables.ts";
import { nodeBinary } from "./build/node_binary.ts";
import { BUNDLED_NODE } from "./build/node_versions.ts";
import { ROOT } from "./build/project.ts";
import { nodeSingleExecutable } from "./build/single_executable.ts";
import { UnavailableError } from "./build/unavailable_error.ts";

/** Makes `executables` in `folder`; `done` is called after each. */
export async function compile(
  via: "deno" | "node",
  folder: string,
  executables: readonly Executable[] = EXECUTABLES,
  done: (executable: Executable) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const parts = via === "node"
    ? { code: await bundleForNode(), node: await nodeBinary(BUNDLED_NODE) }
    : null;
  for (const executable of executables) {
    if (parts) await nodeSingleExecutable(executable, folder, parts);
    else await denoCompile(executable, folder);
    await done(executable);
  }
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
      const { size } = await stat(join(folder, name));
      console.log(`Made ${name} (${Math.round(size / 1e6)} MB)`);
    });
    return 0;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));

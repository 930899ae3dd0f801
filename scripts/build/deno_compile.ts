import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { THREAD_FILES } from "../../runtime/thread/sources.ts";
import { writeConfigWithout } from "../config_without.ts";
import type { Executable } from "./executables.ts";
import { ROOT } from "./project.ts";
import { UnavailableError } from "./unavailable_error.ts";

/**
 * Makes an executable with `deno compile`.
 *
 * @param env Added to the environment; DENORT_BIN names a base binary that is there already
 * @returns What Deno said, with a list of what is in it
 * @throws {UnavailableError} Where the base binary cannot be had; it is downloaded at the first use
 * @throws {Error} With what Deno printed, where it fails in another way
 */
export async function denoCompile(
  { name, flags, args }: Executable,
  folder: string,
  env: Record<string, string> = {},
): Promise<string> {
  // What is imported when it is needed would be left out.
  const config = await writeConfigWithout("unstable");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      `--config=${config}`,
      "--no-check",
      // Otherwise all of node_modules goes in, with what only builds and tests need.
      "--node-modules-dir=none",
      "--exclude-unused-npm",
      ...flags,
      ...readAtRunTime().map((path) => `--include=${path}`),
      ...(await tooDeepToParse()).map((path) => `--exclude=${path}`),
      `--output=${join(folder, name)}`,
      "main.ts",
      ...args,
    ],
    cwd: ROOT,
    env,
  }).output().finally(() => Deno.remove(config));
  const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  if (code === 0) return output;
  // "Setting up base binary: error sending request", or "Could not find denort at ...".
  if (/base binary|denort/.test(output)) {
    throw new UnavailableError(
      "Deno's base binary for executables cannot be had; " +
        '"deno task compile --via node" makes them without it',
    );
  }
  throw new Error(`Making "${name}" failed\n${output.trimEnd()}`);
}

/** What no import names, from the project's folder. */
function readAtRunTime(): string[] {
  const workers = Object.values(THREAD_FILES).map((file) => relative(ROOT, fileURLToPath(file)));
  return ["db/schema/migrations", ...workers];
}

/**
 * bintrees, which prom-client brings along, has test data nested so deeply that deno compile
 * overflows its stack over it. Gives the folders that hold such data, in Deno's cache.
 */
async function tooDeepToParse(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  const folders: string[] = [];
  for (const registry of await entriesOf(npmCache)) {
    const versions = join(npmCache, registry, "bintrees");
    for (const version of await entriesOf(versions)) folders.push(join(versions, version, "test"));
  }
  return folders;
}

/** The names in a folder; none where it is not there. */
async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}

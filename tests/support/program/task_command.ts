import process from "node:process";
import { ROOT, TASKS } from "../../../scripts/build/project.ts";

/** How a task gets its packages. */
const PACKAGE_FLAGS = /^--(?:node-modules-dir|unstable-npm-lazy-caching)/;

/**
 * What `deno task NAME` runs, with the very permissions of deno.json, as a command that works from
 * any folder. The packages are those that the tests themselves use: nobody waits for the lock of who
 * downloads them, nor says so.
 */
export function taskCommand(name: string): string[] {
  return TASKS[name]!.command.split(" ").flatMap((word) =>
    word === "deno"
      ? [Deno.execPath()]
      : PACKAGE_FLAGS.test(word)
      ? []
      : word === "main.ts"
      ? [`${ROOT}main.ts`]
      : [word]
  );
}

/** The little that Deno needs of the environment, and where its coverage goes. */
export function denoEnv(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "DENO_COVERAGE_DIR"];
  return Object.fromEntries(
    names.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]!]]),
  );
}

import process from "node:process";
import { ROOT, TASKS } from "../../scripts/build/project.ts";

/**
 * For children beside each other: the packages are there, as the tests themselves use them, so nobody
 * waits for the lock of who installs them, nor says so.
 */
export const PACKAGES_ARE_THERE = "--node-modules-dir=manual";

/**
 * What `deno task NAME` runs, with the very permissions of deno.json, as a command that works from
 * any folder.
 */
export function taskCommand(name: string): string[] {
  return TASKS[name]!.command.split(" ").flatMap((word) =>
    word === "deno"
      ? [Deno.execPath()]
      : word === "run"
      ? [word, PACKAGES_ARE_THERE]
      : word === "main.ts"
      ? [`${ROOT}main.ts`]
      : [word]
  );
}

/** The little that Deno needs of the environment. */
export function denoEnv(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR"];
  return Object.fromEntries(
    names.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]!]]),
  );
}

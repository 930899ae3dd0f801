import { readFile } from "node:fs/promises";

/**
 * Asks `condition` until it holds.
 *
 * @throws an Error naming `what` when `ms` have passed, or what `condition` throws.
 */
export async function waitFor(
  what: string,
  condition: () => Promise<boolean> | boolean,
  ms: number,
  everyMs = 25,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Waited ${ms / 1000} s for ${what} in vain`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** The last lines of a log, for an error that says why a server did not start. */
export async function logTail(file: string, lines = 15): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { waitFor } from "../../local/wait.ts";

/** Of a fair machine. */
export const HEALED_WITHIN_S = 60;
/** For what comes within seconds, or never: long enough on any machine. */
export const PATIENCE_MS = 600_000;

/** Waits for `condition`. @throws {Error} That it waited for `what` in vain */
export function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  everyMs = 100,
): Promise<void> {
  return waitFor(what, condition, PATIENCE_MS, everyMs);
}

/** How much wants to run at this moment for each core; 1 where all has room, or where nobody tells. */
export async function crowding(): Promise<number> {
  const told = await readFile("/proc/loadavg", "utf8").catch(() => "");
  return Math.max(1, Number(/ (\d+)\//.exec(told)?.[1] ?? 1) / availableParallelism());
}

/**
 * How much longer a thread waits for its turn than where it has room, about: one that mostly sleeps waits
 * for few of the others only.
 */
export function slowness(crowding: number): number {
  return Math.max(1, crowding / 3);
}

/** How long a process's main thread has waited for a core so far, milliseconds; 0 where nobody tells. */
export async function waitedForCore(pid: number): Promise<number> {
  const told = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => "");
  return Number(told.split(" ")[1] ?? 0) / 1e6;
}

/** How long something took. */
export interface Took {
  seconds: number;
  /** Without those for which the processes had to wait for a core, on the average of them. */
  fair: number;
}

/**
 * Asks until `condition` holds, for at most so many seconds of a fair machine.
 *
 * @param pids Of the processes on which it hangs
 * @returns Null: it does not hold
 */
export async function soon(
  limit: number,
  pids: () => readonly number[],
  condition: () => Promise<boolean>,
): Promise<Took | null> {
  const took: Took = { seconds: 0, fair: 0 };
  const waits = async () =>
    new Map(await Promise.all(pids().map(async (pid) => [pid, await waitedForCore(pid)] as const)));
  let before = await waits();
  while (took.fair < limit && took.seconds * 1000 < PATIENCE_MS) {
    const start = performance.now();
    // What cannot be looked at while a fault is on, the next look tells.
    const holds = await condition().catch(() => false);
    if (!holds) await new Promise((resolve) => setTimeout(resolve, 500));
    const now = await waits();
    const seconds = (performance.now() - start) / 1000;
    const waited = [...now].map(([pid, ms]) => ms - (before.get(pid) ?? ms));
    const mean = waited.reduce((sum, ms) => sum + ms, 0) / Math.max(1, waited.length);
    before = now;
    took.seconds += seconds;
    took.fair += Math.max(0, seconds - mean / 1000);
    if (holds) return took;
  }
  return null;
}

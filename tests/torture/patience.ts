import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { waitFor } from "../../local/wait.ts";

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

/** How long something took. */
export interface Took {
  seconds: number;
  /** The same, but a second in which twice as much wants to run as there are cores counts half. */
  fair: number;
}

/** Asks until `condition` holds, for at most so many seconds of a fair machine. @returns Null: it does not */
export async function soon(
  limit: number,
  condition: () => Promise<boolean>,
): Promise<Took | null> {
  const took: Took = { seconds: 0, fair: 0 };
  while (took.fair < limit) {
    const start = performance.now();
    // What cannot be looked at while a fault is on, the next look tells.
    const holds = await condition().catch(() => false);
    if (!holds) await new Promise((resolve) => setTimeout(resolve, 500));
    const seconds = (performance.now() - start) / 1000;
    took.seconds += seconds;
    took.fair += seconds / await crowding();
    if (holds) return took;
  }
  return null;
}

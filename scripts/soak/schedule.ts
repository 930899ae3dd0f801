import type { CheckTimes } from "./tally.ts";

/** The first check of a site is within this of the start (or a frequency, if shorter). */
const FIRST_WITHIN_MS = 10_000;

/** The start and the stop are not known to the millisecond. */
const ENDS_SLACK_MS = 1_000;

/** Due times are told by a wall clock, which is adjusted now and then and read some time after. */
const GAP_SLACK_MS = 250;

/**
 * What is wrong with the times that a site's checks were due at, or null. The first is soon after the
 * start, the second at the site's own place in the interval, and each other so many intervals after
 * the one before as that one's slots say, until the stop.
 */
export function scheduleFault(
  checks: readonly CheckTimes[],
  { startedAt, stoppedAt }: { startedAt: number; stoppedAt: number },
  frequencyMs: number,
): string | null {
  const inOrder = [...checks].sort((a, b) => a.due - b.due);
  const [first, last] = [inOrder[0], inOrder.at(-1)];
  if (first === undefined || last === undefined) return "was never checked";
  if (first.due - startedAt > Math.min(FIRST_WITHIN_MS, frequencyMs) + ENDS_SLACK_MS) {
    return `was first checked ${seconds(first.due - startedAt)} s after the start`;
  }
  for (let i = 1; i < inOrder.length; i++) {
    const [{ due, slots }, next] = [inOrder[i - 1]!, inOrder[i]!];
    const off = next.due - due - slots * frequencyMs;
    if (off > GAP_SLACK_MS || (i > 1 && off < -GAP_SLACK_MS)) {
      return `has ${seconds(next.due - due)} s between two checks, of which one has ${slots} slots`;
    }
  }
  if (stoppedAt - last.due <= last.slots * frequencyMs + ENDS_SLACK_MS) return null;
  return `was last checked ${seconds(stoppedAt - last.due)} s before the stop`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

import type { CheckTimes } from "./tally.ts";

/** The first check of a site is within this of the start (or a frequency, if shorter). */
const FIRST_WITHIN_MS = 10_000;

/** The start and the stop are not known to the millisecond. */
const ENDS_SLACK_MS = 1_000;

/** Due times are told by a wall clock, which is adjusted now and then and read some time after. */
const GAP_SLACK_MS = 250;

/**
 * What is wrong with the times that a site's checks were due at. The first is soon after the start,
 * the second at the site's own place in the interval, the others a whole interval apart until the
 * stop. A place that comes while a check is under way is passed over, and excused: then the next
 * check is due within an interval of that check's end.
 */
export function scheduleOf(
  checks: readonly CheckTimes[],
  { startedAt, stoppedAt }: { startedAt: number; stoppedAt: number },
  frequencyMs: number,
): { fault: string | null; excused: number } {
  const inOrder = [...checks].sort((a, b) => a.due - b.due);
  const [first, last] = [inOrder[0], inOrder.at(-1)];
  if (first === undefined || last === undefined) return { fault: "was never checked", excused: 0 };
  let excused = 0;
  /** Whether no place can have passed between a check and a later time, but for an excused one. */
  const inTime = ({ due, ended }: CheckTimes, until: number, slackMs: number): boolean => {
    const most = frequencyMs + slackMs;
    if (until - due > most && until - ended <= most) excused++;
    return until - ended <= most;
  };
  const faultOf = (): string | null => {
    if (first.due - startedAt > Math.min(FIRST_WITHIN_MS, frequencyMs) + ENDS_SLACK_MS) {
      return `was first checked ${seconds(first.due - startedAt)} s after the start`;
    }
    for (let i = 1; i < inOrder.length; i++) {
      const [before, { due }] = [inOrder[i - 1]!, inOrder[i]!];
      const gap = due - before.due;
      const tooShort = i > 1 && gap < frequencyMs - GAP_SLACK_MS;
      if (tooShort || !inTime(before, due, GAP_SLACK_MS)) {
        return `has ${seconds(gap)} s between two checks`;
      }
    }
    if (inTime(last, stoppedAt, ENDS_SLACK_MS)) return null;
    return `was last checked ${seconds(stoppedAt - last.due)} s before the stop`;
  };
  return { fault: faultOf(), excused };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

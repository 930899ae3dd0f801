const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Due times of a site that were missed, by when they were: the older, the coarser. Milliseconds since 1970. */
export type Missed = [start: number, slots: number][];

/** From which age on how coarse. Over all windows, some 200 entries at the most. */
const COARSE = [[DAY / 4, HOUR], [2 * HOUR, 10 * MINUTE], [0, MINUTE]] as const;

/** Burn rates that open an incident, where they hold over both windows: the ones of the SRE workbook. */
const BURNS = {
  slo_fast: [
    { burn: 14.4, long: HOUR, short: 5 * MINUTE },
    { burn: 6, long: 6 * HOUR, short: HOUR / 2 },
  ],
  slo_slow: [
    { burn: 3, long: DAY, short: 2 * HOUR },
    { burn: 1, long: 3 * DAY, short: 6 * HOUR },
  ],
} as const;

/** One check a minute would burn 16.7 times too fast over an hour with one failure, and be nothing. */
const LEAST_MISSED = 3;

export type ObjectiveKind = keyof typeof BURNS;

export const OBJECTIVE_KINDS = ["slo_fast", "slo_slow"] as const;

/** `missed` and `slots` more of them at `at`, without what is too old for any window. */
export function miss(missed: Missed, at: number, slots: number): Missed {
  const after: Missed = [];
  for (const [start, count] of [...missed, [at, slots] as const]) {
    if (start <= at - 3 * DAY - HOUR) continue;
    const [, grain] = COARSE.find(([age]) => at - start >= age)!;
    const bucket = Math.floor(start / grain) * grain;
    const last = after.at(-1);
    if (last?.[0] === bucket) last[1] += count;
    else after.push([bucket, count]);
  }
  return after;
}

/** `missed` without the newest `slots` of them, which are not the site's. */
export function unmiss(missed: Missed, slots: number): Missed {
  const after = structuredClone(missed);
  for (let left = slots; left > 0 && after.length > 0;) {
    const last = after.at(-1)!;
    const taken = Math.min(left, last[1]);
    left -= taken;
    last[1] -= taken;
    if (last[1] === 0) after.pop();
  }
  return after;
}

/**
 * How fast the budget burns, and over how long, where that is too fast; null: it is not.
 *
 * @param dueMs The intervals at which the site's agents check it
 * @param slo Percent of the due times that are to be good
 * @param leastMissed So many of them in the long window, for each agent
 */
export function burnOf(
  kind: ObjectiveKind,
  missed: Missed,
  at: number,
  dueMs: readonly number[],
  slo: number,
  leastMissed = LEAST_MISSED,
): { burn: number; hours: number } | null {
  const perMs = dueMs.reduce((sum, intervalMs) => sum + 1 / intervalMs, 0);
  const inWindow = (ms: number) =>
    missed.reduce((sum, [start, slots]) => start > at - ms ? sum + slots : sum, 0);
  const burnOver = (ms: number) => inWindow(ms) / (ms * perMs) / (1 - slo / 100);
  for (const { burn: least, long, short } of BURNS[kind]) {
    const burn = burnOver(long);
    const isMany = inWindow(long) >= leastMissed * dueMs.length;
    if (isMany && burn >= least && burnOver(short) >= least) return { burn, hours: long / HOUR };
  }
  return null;
}

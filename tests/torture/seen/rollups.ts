import type pg from "pg";
import { compareRollups } from "../check/compare_rollups.ts";
import { delay } from "../load/load.ts";
import { between, type Random } from "../load/random.ts";

type RollUp = typeof import("../../../db/history/roll_up.ts");

/** So that the hour, day and month under way are over, and rolled up again and again. */
const AHEAD_MS = 40 * 86_400_000;
const EVERY_MS = 1_500;
/** Between looks, however long one takes. */
const AT_MOST_MS = 10_000;

export interface RollupOptions {
  pool: pg.Pool;
  /** Of the product's sources, with a slash at the end. */
  root: string;
  random: Random;
}

/**
 * Rolls up as the product does it, a month from now.
 *
 * @param steps At most so many transactions: while results come in, there is always more to do
 */
async function rollUp({ pool, root, random }: RollupOptions, steps = Infinity): Promise<void> {
  const { rollUp }: RollUp = await import(`file://${root}db/history/roll_up.ts`);
  const enough = new AbortController();
  await rollUp(pool, {
    now: () => Date.now() + AHEAD_MS,
    waitMs: 10_000,
    most: between(random, 50, 20_000),
    signal: enough.signal,
    onStep: () => --steps <= 0 && enough.abort(),
  });
}

/** What was seen of the rollups. */
export interface RollupsSeen {
  /** What was wrong, in any look. */
  wrong: string[];
  /** Looks that came to an end. */
  looks: number;
}

/**
 * Rolls up and compares, again and again beside the writers and their own upkeep, until `stop` aborts.
 *
 * @returns What was seen so far, and a promise of the end, which never rejects
 */
export function watchRollups(
  options: RollupOptions & { stop: AbortSignal },
): { seen: RollupsSeen; done: Promise<void> } {
  const seen: RollupsSeen = { wrong: [], looks: 0 };
  const watch = async () => {
    let pause = EVERY_MS;
    while (!options.stop.aborted) {
      await delay(pause);
      const start = performance.now();
      try {
        await rollUp(options, between(options.random, 1, 5));
        // For results that ought to have left a mark.
        await delay(between(options.random, 0, 300));
        seen.wrong.push(...await compareRollups(options.pool));
        seen.looks++;
      } catch {
        // A fault is on; the next look tells.
      }
      pause = Math.min(Math.max(EVERY_MS, 8 * (performance.now() - start)), AT_MOST_MS);
    }
  };
  return { seen, done: watch() };
}

/** The last look, when nothing comes any more: all is rolled up then. */
export async function lookAtRollups(options: RollupOptions): Promise<string[]> {
  await rollUp(options);
  return await compareRollups(options.pool, { finished: true });
}

import type { Pool } from "pg";
import { asMaintainer, BUSY } from "./lock.ts";

/** What one step did. */
export interface RollUpStep {
  level: "hour" | "day" | "month";
  /** The first of its buckets. */
  bucket: Date;
  /** How many, of all sites. */
  buckets: number;
}

/**
 * Buckets of sites in one transaction: two hours of 10,000 sites checked once a minute, some 4 s and
 * 70 MB in the server.
 */
const MOST_BUCKETS = 20_000;

/**
 * Computes all rollups again that results have changed since the last time, in transactions of a few
 * seconds. Hours from results, days from hours, months from days; what is not over yet waits.
 *
 * @param now Milliseconds since 1970
 * @returns How many buckets of sites were computed; BUSY where another maintainer is at it
 */
export async function rollUp(
  pool: Pool,
  { now, waitMs, signal, onStep, most = MOST_BUCKETS }: {
    now: () => number;
    waitMs: number;
    signal?: AbortSignal;
    onStep?: (step: RollUpStep) => void;
    /** @default 20,000 buckets of sites a transaction */
    most?: number;
  },
): Promise<number | typeof BUSY> {
  let done = 0;
  while (!signal?.aborted) {
    const step = await asMaintainer(pool, { oneSnapshot: true, waitMs }, async (client) => {
      const { rows } = await client.query("SELECT * FROM httpmon_roll_up($1, $2)", [
        new Date(now()),
        most,
      ]);
      return rows[0] as RollUpStep | { level: null };
    });
    if (step === BUSY) return BUSY;
    if (step.level === null) break;
    done += step.buckets;
    onStep?.(step);
  }
  return done;
}

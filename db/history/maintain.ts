import type { Pool } from "pg";
import type { RetentionConfig } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { createPool } from "../connect/pool.ts";
import { ensurePartitions, partitionDays } from "../schema/partitions.ts";
import { asMaintainer, BUSY } from "./lock.ts";
import { dropBefore, type Held } from "./partitions.ts";
import { cutoffsAt } from "./retention.ts";
import { rollUp, type RollUpStep } from "./roll_up.ts";
import { closeRollups, sweep, sweeps } from "./sweep.ts";

/** Two connections: one holds the maintainers' lock while the other detaches. */
export function maintainerPool(dsn: string, log: Logger): Pool {
  return createPool(dsn, { max: 2, applicationName: "httpmon-maintain", queryTimeoutMs: 0, log });
}

/** What a maintainer is handed. */
export interface MaintainDeps {
  pool: Pool;
  clock: Clock;
  retention: RetentionConfig;
  signal?: AbortSignal;
  /** Milliseconds to wait for another maintainer; 0: as long as it takes. */
  waitMs: number;
  onStep?: (step: RollUpStep) => void;
}

/** What a round has done. */
export interface Round {
  partitionsMade: number;
  /** Buckets of sites. */
  rolledUp: number;
  /** Partitions. */
  dropped: string[];
  /** What keeps the next partition that is over its days. */
  held: Held;
  /** Rows by table, where there were any. */
  deleted: Record<string, number>;
}

/**
 * One round of upkeep: partitions ahead, rollups, what is over its days, statistics. Each step is a
 * short transaction of its own, so it may be ended anywhere.
 *
 * @returns What was done; BUSY where another maintainer is at it, which does the rest
 */
export async function maintain(deps: MaintainDeps): Promise<Round | typeof BUSY> {
  const { pool, clock, retention, waitMs, signal } = deps;
  const cutoffs = cutoffsAt(clock.now(), retention);
  const { deadLetters, ...rest } = retention;
  const days = Object.entries({ ...rest, dead_letters: deadLetters });
  const noted = await asMaintainer(pool, { waitMs }, (client) =>
    client.query(
      `INSERT INTO retention (what, keep_days) SELECT * FROM unnest($1::text[], $2::int4[])
       ON CONFLICT (what) DO UPDATE SET keep_days = excluded.keep_days
       WHERE retention.keep_days IS DISTINCT FROM excluded.keep_days`,
      [days.map(([what]) => what), days.map(([, keep]) => keep)],
    ));
  if (noted === BUSY) return BUSY;

  const partitionsMade = await ensurePartitions(pool, partitionDays(clock.now(), -1, 7));
  const rolledUp = await rollUp(pool, { ...deps, now: () => clock.now() });
  if (rolledUp === BUSY) return BUSY;

  const round: Round = { partitionsMade, rolledUp, dropped: [], held: null, deleted: {} };
  for (
    const [parent, cutoff] of [["check_results", cutoffs.raw], [
      "evidence",
      cutoffs.evidence,
    ]] as const
  ) {
    if (cutoff === null) continue;
    const drops = await dropBefore(pool, parent, cutoff, { waitMs, signal });
    if (drops === BUSY) return BUSY;
    round.dropped.push(...drops.dropped);
    round.held ??= drops.held;
  }
  if (await closeRollups(pool, cutoffs, waitMs) === BUSY) return BUSY;
  for (const each of await sweeps(pool, cutoffs)) {
    const deleted = await sweep(pool, each, { waitMs, signal });
    if (deleted === BUSY) return BUSY;
    if (deleted > 0) round.deleted[each.table] = deleted;
  }
  await analyzeNowAndThen(pool);
  return round;
}

/** Autovacuum leaves a partitioned table's own statistics to others. */
async function analyzeNowAndThen(pool: Pool): Promise<void> {
  const { rows: [{ due, only }] } = await pool.query(
    `SELECT coalesce(last_analyze < now() - interval '1 week', true) AS due,
       CASE WHEN current_setting('server_version_num')::int4 >= 180000 THEN 'ONLY' ELSE '' END AS only
     FROM pg_stat_user_tables WHERE relid = 'check_results'::regclass`,
  );
  if (due) await pool.query(`ANALYZE ${only} check_results`);
}

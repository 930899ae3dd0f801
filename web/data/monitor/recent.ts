import type { Pool } from "pg";
import type { Clock } from "../../../runtime/clock.ts";
import { Kept } from "../kept.ts";
import { literal, rowsOf } from "../sql.ts";

const MINUTE_MS = 60_000;

/** What came of an agent in the last two minutes. */
export interface RecentOfAgent {
  agentId: number;
  results: number;
  /** How late checks began, ms; null where none says it. */
  latenessP50: number | null;
  latenessP99: number | null;
}

/**
 * Figures of the last minutes, of which there are no rollups yet: with 10,000 sites they look through
 * 50,000 results, so they are kept for all who look.
 */
export function keptRecent({ pool, clock }: { pool: Pool; clock: Clock }) {
  return {
    agents: new Kept<RecentOfAgent[]>(clock, () => rowsOf(pool, agentsSql(clock.now()))),
    /** By the minute of their check: the last five that are full. */
    minutes: new Kept<{ results: number }[]>(clock, () => rowsOf(pool, minutesSql(clock.now()))),
  };
}

/** SQL for `agents`. */
export function agentsSql(now: number): string {
  return `SELECT agent_id, count(*)::int4 AS results,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY lateness) AS lateness_p50,
  percentile_disc(0.99) WITHIN GROUP (ORDER BY lateness) AS lateness_p99
FROM check_results WHERE ts > ${literal(now - 2 * MINUTE_MS)} GROUP BY 1`;
}

/** SQL for `minutes`. */
export function minutesSql(now: number): string {
  const until = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  return `SELECT date_bin('1 minute', ts, '2000-01-01Z') AS minute, count(*)::int4 AS results
FROM check_results WHERE ts >= ${literal(until - 5 * MINUTE_MS)} AND ts < ${literal(until)}
GROUP BY 1 ORDER BY 1`;
}

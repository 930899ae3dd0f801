import type { Pool } from "pg";

/** A check, as a strip shows it. */
export interface Check {
  /** Milliseconds since 1970. */
  ts: number;
  /** Index in STATES. */
  state: number;
  responseMs: number | null;
}

/** The last `n` checks of each of these sites, of the last 26 hours, the newest one last. */
export async function lastChecks(
  pool: Pool,
  ids: readonly number[],
  n: number,
): Promise<Map<number, Check[]>> {
  const { rows } = await pool.query(
    `SELECT site_id, extract(epoch FROM ts)::float8 * 1000 AS ts, state, response_ms
     FROM httpmon_last_checks($1, $2) ORDER BY ts`,
    [ids, n],
  );
  const checks = new Map<number, Check[]>();
  for (const { site_id, ts, state, response_ms } of rows) {
    const own = checks.get(site_id) ?? [];
    own.push({ ts, state, responseMs: response_ms });
    checks.set(site_id, own);
  }
  return checks;
}

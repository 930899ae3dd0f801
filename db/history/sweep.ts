import type { Pool } from "pg";
import { asMaintainer, BUSY } from "./lock.ts";
import type { Cutoffs } from "./retention.ts";

/** Rows of a table that are over their days. */
export interface Sweep {
  table: string;
  /** SQL: which rows; $1 is the first day that is kept. */
  where: string;
  /** "2026-05-01", UTC; null: nothing goes. */
  before: string | null;
}

/** Rows a transaction; some tenths of a second. */
const ROWS = 20_000;

/**
 * What many results share. A row's last day is the last on which a result that refers to it was stored,
 * and that is at most a day ahead.
 */
const SHARED = ["contexts", "connections", "reasons", "certificates", "site_certificates"];

/**
 * All that is swept. Shared rows go once the days are dropped on which they were last seen; rollups by
 * the days that `closeRollups` has closed.
 */
export async function sweeps(pool: Pool, cutoffs: Cutoffs): Promise<Sweep[]> {
  const { rows } = await pool.query("SELECT what, dropped_before::text AS day FROM retention");
  const floor = (what: string) => rows.find((row) => row.what === what)?.day ?? null;
  const inUtc = "$1::timestamp AT TIME ZONE 'UTC'";
  return [
    { table: "rollup_hourly", where: `bucket < ${inUtc}`, before: floor("hourly") },
    { table: "rollup_daily", where: `bucket < ${inUtc}`, before: floor("daily") },
    {
      table: "verdict_changes",
      // The last one before stays: it says what state the kept ones come from.
      where: `ts < ${inUtc} AND EXISTS (
        SELECT FROM verdict_changes AS later
        WHERE later.site_id = verdict_changes.site_id AND later.agent_id = verdict_changes.agent_id
          AND later.ts > verdict_changes.ts AND later.ts < ${inUtc})`,
      before: floor("daily"),
    },
    { table: "dead_letters", where: `at < ${inUtc}`, before: cutoffs.deadLetters },
    {
      table: "notifications",
      // Those of an incident go with it.
      where: `incident_id IN (SELECT id FROM incidents WHERE closed_at < ${inUtc})`,
      before: cutoffs.incidents,
    },
    { table: "incidents", where: `closed_at < ${inUtc}`, before: cutoffs.incidents },
    ...SHARED.map((table) => ({ table, where: "last_seen < $1::date - 1", before: floor("raw") })),
  ];
}

/**
 * Closes the days of hourly rows and the months of daily ones that are over, once what they are
 * computed from is gone and what is computed from them stands: so no bucket is ever computed again
 * from a part of it.
 */
export async function closeRollups(
  pool: Pool,
  cutoffs: Cutoffs,
  waitMs: number,
): Promise<void | typeof BUSY> {
  return await asMaintainer(pool, { waitMs }, async (client) => {
    for (
      const [what, below, unit, cutoff] of [
        ["hourly", "raw", "day", cutoffs.hourly],
        ["daily", "hourly", "month", cutoffs.daily],
      ]
    ) {
      await client.query(
        `UPDATE retention SET dropped_before = greatest(dropped_before, day)
         FROM (
           SELECT date_trunc($3, least($4::date, dropped_before)::timestamp)::date AS day
           FROM retention WHERE what = $2 AND dropped_before IS NOT NULL
         ) AS closed
         WHERE what = $1 AND $4::date IS NOT NULL
           AND NOT EXISTS (SELECT FROM rollup_pending WHERE bucket < day)
           AND NOT EXISTS (SELECT FROM rollup_marks WHERE hour < day)
           AND NOT EXISTS (SELECT FROM dropping WHERE parent = 'check_results')`,
        [what, below, unit, cutoff],
      );
    }
  });
}

/**
 * Deletes what is over its days, in small transactions.
 *
 * @returns How many rows were deleted, or BUSY where another maintainer is at it
 */
export async function sweep(
  pool: Pool,
  { table, where, before }: Sweep,
  { waitMs, signal }: { waitMs: number; signal?: AbortSignal },
): Promise<number | typeof BUSY> {
  let deleted = 0;
  while (before !== null && !signal?.aborted) {
    const count = await asMaintainer(pool, { waitMs }, async (client) => {
      const { rowCount } = await client.query(
        // The condition stands twice: a row that came into use since it was chosen stays.
        `DELETE FROM ${table} WHERE (${where})
           AND ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${where} LIMIT ${ROWS}))`,
        [before],
      );
      return rowCount ?? 0;
    });
    if (count === BUSY) return BUSY;
    deleted += count;
    if (count < ROWS) break;
  }
  return deleted;
}

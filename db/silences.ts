import type { Pool } from "pg";
import type { Matcher } from "../config/matchers.ts";

/** When nobody is told of what opens. Times are milliseconds since 1970. */
export interface Silence {
  id: string;
  /** All must hold; none: everything is silenced. */
  matchers: readonly Matcher[];
  startsAt: number;
  endsAt: number;
  why: string;
  createdBy: string | null;
  /** Incidents that it holds back. */
  held: number;
}

/** Those that are not over, or the one with this id whenever it was. */
export async function silences(pool: Pool, id: string | null = null): Promise<Silence[]> {
  const ms = (time: string) => `extract(epoch FROM ${time})::float8 * 1000`;
  const { rows } = await pool.query(
    `SELECT id::text, matchers, ${ms("starts_at")} AS "startsAt", ${ms("ends_at")} AS "endsAt", why,
       created_by AS "createdBy", (
         SELECT count(DISTINCT incident_id)::int FROM notifications
         WHERE silence_id = s.id AND state = 'pending') AS held
     FROM silences AS s
     WHERE id = $1 OR $1::int8 IS NULL AND ends_at > now() ORDER BY ends_at, id`,
    [id],
  );
  return rows;
}

/** From now on, by the database's clock, for so many seconds. @returns Its id */
export async function silence(
  pool: Pool,
  { matchers, seconds, why, createdBy }:
    & Pick<Silence, "matchers" | "why" | "createdBy">
    & { seconds: number },
): Promise<string> {
  const { rows: [row] } = await pool.query(
    "SELECT httpmon_silence($1, now() + $2 * interval '1 s', $3, $4)::text AS id",
    [JSON.stringify(matchers), seconds, why, createdBy],
  );
  return row.id;
}

/** @returns False where it is over, or there is none */
export async function endSilence(pool: Pool, id: string): Promise<boolean> {
  const { rows: [row] } = await pool.query("SELECT httpmon_end_silence($1) AS is_ended", [id]);
  return row.is_ended;
}

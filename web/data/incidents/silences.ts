import type { Pool } from "pg";
import type { Matcher } from "../../../config/matchers.ts";
import { MS } from "../sql.ts";

/** When nobody is told of what opens. Times are milliseconds since 1970. */
export interface Silence {
  id: string;
  /** All must hold; none: everything is silenced. */
  matchers: readonly Matcher[];
  startsAt: number;
  endsAt: number;
  why: string;
  createdBy: string | null;
}

/** Those that are not over, or the one with this id whenever it was. */
export async function silences(pool: Pool, id: string | null = null): Promise<Silence[]> {
  const { rows } = await pool.query(
    `SELECT id::text, matchers, ${MS("starts_at", '"startsAt"')}, ${MS("ends_at", '"endsAt"')}, why,
       created_by AS "createdBy"
     FROM silences WHERE id = $1 OR $1::int8 IS NULL AND ends_at > now() ORDER BY ends_at, id`,
    [id],
  );
  return rows;
}

/** @returns Its id */
export async function silence(
  operator: Pool,
  { matchers, endsAt, why, createdBy }: Omit<Silence, "id" | "startsAt">,
): Promise<string> {
  const { rows: [row] } = await operator.query(
    "SELECT httpmon_silence($1, $2, $3, $4)::text AS id",
    [JSON.stringify(matchers), new Date(endsAt), why, createdBy],
  );
  return row.id;
}

/** @returns False where it is over, or there is none */
export async function endSilence(operator: Pool, id: string): Promise<boolean> {
  const { rows: [row] } = await operator.query("SELECT httpmon_end_silence($1) AS is_ended", [id]);
  return row.is_ended;
}

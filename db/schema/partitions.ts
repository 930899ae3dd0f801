import type { ClientBase, Pool } from "pg";

const DAY_MS = 86_400_000;

/**
 * The days, UTC, from `first` to `last` days after the one of `now`.
 *
 * @param now Milliseconds since 1970
 * @returns "YYYY-MM-DD" each
 */
export function partitionDays(now: number, first: number, last: number): string[] {
  const days: string[] = [];
  for (let day = first; day <= last; day++) {
    days.push(new Date(now + day * DAY_MS).toISOString().slice(0, 10));
  }
  return days;
}

/**
 * Makes the daily partitions of `days` ("YYYY-MM-DD", UTC) that are not there yet. Several may do so
 * at once, and a role that is not the tables' owner may.
 *
 * @returns How many were made
 */
export async function ensurePartitions(
  client: ClientBase | Pool,
  days: readonly string[],
): Promise<number> {
  const { rows } = await client.query("SELECT httpmon_ensure_partitions($1::date[]) AS made", [
    days,
  ]);
  return rows[0].made;
}

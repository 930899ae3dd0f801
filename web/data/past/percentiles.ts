import type { ClientBase, Pool } from "pg";
import { rowsOf } from "../sql.ts";

/** Of response times, milliseconds; null without a response. */
export type Percentiles = Record<"p50" | "p95" | "p99", number | null>;

export const NO_PERCENTILES: Percentiles = { p50: null, p95: null, p99: null };

/** Of these sites between two moments; a site without a response is missing. */
export async function percentilesOf(
  db: Pool | ClientBase,
  siteIds: readonly number[],
  since: Date | string,
  until: Date | string,
): Promise<Map<number, Percentiles>> {
  const rows = await rowsOf<Percentiles & { siteId: number }>(
    db,
    "SELECT site_id, p50, p95, p99 FROM httpmon_percentiles_of($1, $2, $3)",
    [siteIds, since, until],
  );
  return new Map(rows.map(({ siteId, ...percentiles }) => [siteId, percentiles]));
}

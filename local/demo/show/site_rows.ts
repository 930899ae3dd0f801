import type { Client } from "pg";
import { type Site, siteId } from "../../../config/types.ts";
import { VERDICTS } from "../../../wire/message.ts";
import type { SiteRow } from "./table.ts";

interface StoredSite {
  name: string | null;
  url: string;
  verdict: number;
  status: number | null;
  ms: number | null;
  regex: boolean | null;
  rows: number;
  last_error: string | null;
  /** Null: there was no incident. */
  is_open: boolean | null;
}

const QUERY = `
  SELECT s.name, s.url, last.verdict, last.response_code AS status, last.response_time AS ms,
    last.regex_result AS regex, counted.rows, failed.text AS last_error,
    incident.is_open
  FROM sites s
  JOIN (
    SELECT site_id, count(*)::int AS rows FROM check_results WHERE ts >= $1 GROUP BY site_id
  ) counted ON counted.site_id = s.id
  JOIN LATERAL (
    SELECT * FROM check_results WHERE site_id = s.id AND ts >= $1 ORDER BY ts DESC LIMIT 1
  ) last ON true
  LEFT JOIN LATERAL (
    SELECT coalesce(error_message, CASE reason
      WHEN 'status' THEN 'status ' || response_code
      WHEN 'regex' THEN 'regex did not match'
      ELSE reason
    END) AS text FROM check_results
    LEFT JOIN reasons ON reasons.id = reason_id
    WHERE site_id = s.id AND ts >= $1 AND verdict <> 0 ORDER BY ts DESC LIMIT 1
  ) failed ON true
  LEFT JOIN LATERAL (
    SELECT closed_at IS NULL AS is_open FROM incidents
    WHERE site_id = s.id AND opened_at >= $1 ORDER BY opened_at DESC LIMIT 1
  ) incident ON true`;

/**
 * What the tables have of each site since `since`, in the config's order.
 *
 * @param told What the receiver was last told of each site
 */
export async function siteRows(
  client: Client,
  sites: readonly Site[],
  since: Date,
  told: ReadonlyMap<string, string>,
): Promise<SiteRow[]> {
  const { rows } = await client.query<StoredSite>(QUERY, [since]);
  const found = new Map(rows.map((row) => [siteId(row), row]));
  return sites.map((site) => {
    const row = found.get(siteId(site));
    return {
      name: siteId(site),
      verdict: row ? VERDICTS[row.verdict] ?? null : null,
      status: row?.status ?? null,
      ms: row?.ms ?? null,
      regex: row?.regex ?? null,
      rows: row?.rows ?? 0,
      lastError: row?.last_error ?? null,
      incident: incidentOf(row?.is_open ?? null, told.get(siteId(site))),
    };
  });
}

function incidentOf(isOpen: boolean | null, told: string | undefined): string | null {
  if (isOpen === null) return null;
  return `${isOpen ? "open" : "over"}${told === undefined ? "" : `, told ${told}`}`;
}

import type { Pool } from "pg";
import { MS } from "../sql.ts";

/** An incident, as alerters opened it. Times are milliseconds since 1970. */
export interface Incident {
  id: string;
  /** Null: of an agent, or of the monitor itself. */
  siteId: number | null;
  /** Of what it is, for people. */
  subject: string;
  kind: string;
  severity: string;
  openedAt: number;
  acknowledgedAt: number | null;
  /** Null: it is not said. */
  acknowledgedBy: string | null;
  closedAt: number | null;
  cause: string;
  locations: string[];
  /** What each agent saw; "seen" is the result that decided it. */
  evidence: { agent: string; location: string | null; since: string; cause: string }[];
}

/** Which incidents; those that are open come first, then the newest. */
export interface IncidentFilter {
  id?: string;
  siteId?: number;
  /** Only open ones, or only those that are over. */
  open?: boolean;
  /** Opened, or still open, in this span. */
  since?: number;
  until?: number;
  /** Of these sites alone. */
  siteIds?: readonly number[];
  /** Only those with a smaller id, by their ids, the newest first. */
  before?: string;
  kind?: string;
  limit: number;
  offset?: number;
}

export async function incidents(pool: Pool, filter: IncidentFilter): Promise<Incident[]> {
  const { id, siteId, open, since, until, kind, limit, offset = 0 } = filter;
  const { siteIds, before } = filter;
  const { rows } = await pool.query(
    `SELECT i.id::text, i.site_id AS "siteId", kind, severity, cause, locations, evidence,
       coalesce(s.name, s.url, 'agent ' || agent, 'channel ' || channel, 'the monitor') AS subject,
       acknowledged_by AS "acknowledgedBy",
       ${MS("opened_at", `"openedAt"`)}, ${MS("acknowledged_at", `"acknowledgedAt"`)},
       ${MS("closed_at", `"closedAt"`)}
     FROM incidents AS i LEFT JOIN sites AS s ON s.id = i.site_id
     WHERE ($1::int8 IS NULL OR i.id = $1) AND ($2::int4 IS NULL OR i.site_id = $2)
       AND ($3::boolean IS NULL OR (closed_at IS NULL) = $3)
       AND ($4::timestamptz IS NULL OR closed_at IS NULL OR closed_at >= $4)
       AND ($5::timestamptz IS NULL OR opened_at < $5) AND ($6::text IS NULL OR kind = $6)
       AND ($9::int4[] IS NULL OR i.site_id = ANY ($9)) AND ($10::int8 IS NULL OR i.id < $10)
     ORDER BY CASE WHEN $10::int8 IS NULL THEN closed_at IS NULL END DESC,
       CASE WHEN $10::int8 IS NULL THEN opened_at END DESC, i.id DESC LIMIT $7 OFFSET $8`,
    [
      id ?? null,
      siteId ?? null,
      open ?? null,
      since === undefined ? null : new Date(since),
      until === undefined ? null : new Date(until),
      kind ?? null,
      limit,
      offset,
      siteIds ?? null,
      before ?? null,
    ],
  );
  return rows;
}

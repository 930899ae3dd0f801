import type { Pool } from "pg";
import { z } from "zod";
import { text, time } from "../shape.ts";
import { rowsOf } from "../sql.ts";

/** An incident, as alerters opened it. */
export const incident = z.object({
  id: z.string(),
  siteId: z.int().nullable().describe("Null: it is an agent's, or the monitor's own"),
  subject: z.string().describe("The site's name, the agent, or the monitor"),
  kind: z.string(),
  severity: z.string(),
  openedAt: time,
  acknowledgedAt: time.nullable(),
  acknowledgedBy: text,
  closedAt: time.nullable(),
  cause: z.string(),
  locations: z.array(z.string()),
  evidence: z.array(z.looseObject({})).describe("What each agent saw"),
});

/** Times are milliseconds since 1970. */
export interface Incident extends z.input<typeof incident> {
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

export function incidents(pool: Pool, filter: IncidentFilter): Promise<Incident[]> {
  const { id, siteId, open, since, until, kind, limit, offset = 0, siteIds, before } = filter;
  const moment = (ms: number | undefined) => ms === undefined ? null : new Date(ms);
  return rowsOf(
    pool,
    `SELECT i.id, i.site_id, kind, severity, cause, locations, evidence, opened_at,
       acknowledged_at, acknowledged_by, closed_at,
       coalesce(s.name, s.url, 'agent ' || agent, 'channel ' || channel, 'the monitor') AS subject
     FROM incidents AS i LEFT JOIN sites AS s ON s.id = i.site_id
     WHERE ($1::int8 IS NULL OR i.id = $1) AND ($2::int4 IS NULL OR i.site_id = $2)
       AND ($3::boolean IS NULL OR (closed_at IS NULL) = $3)
       AND ($4::timestamptz IS NULL OR closed_at IS NULL OR closed_at >= $4)
       AND ($5::timestamptz IS NULL OR opened_at < $5) AND ($6::text IS NULL OR kind = $6)
       AND ($9::int4[] IS NULL OR i.site_id = ANY ($9)) AND ($10::int8 IS NULL OR i.id < $10)
     ORDER BY CASE WHEN $10::int8 IS NULL THEN closed_at IS NULL END DESC,
       CASE WHEN $10::int8 IS NULL THEN opened_at END DESC, i.id DESC LIMIT $7 OFFSET $8`,
    [id, siteId, open, moment(since), moment(until), kind, limit, offset, siteIds, before],
  );
}

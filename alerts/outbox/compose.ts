import type { Pool } from "pg";
import type { Incident, Message } from "../message/message.ts";
import type { Leased } from "./claim.ts";

/** How it was before is asked for so many of a message. */
const MOST_BEFORE = 1;

/** A message, and when it is that, by the database's clock: that of an alerter may be wrong. */
export interface Composed {
  message: Message;
  /** Milliseconds since 1970. */
  nowMs: number;
}

/**
 * What a message says, as things are now.
 *
 * @param link Of the dashboard, without a slash at its end; null: there is none
 */
export async function compose(
  pool: Pool,
  leased: Pick<Leased, "key" | "thread" | "event" | "includesOpening" | "incidentIds">,
  link: string | null,
): Promise<Composed> {
  const { key, thread, event, includesOpening, incidentIds } = leased;
  const incidents = await readIncidents(pool, incidentIds, link);
  if (incidents.length <= MOST_BEFORE) {
    for (const one of incidents) one.before = await beforeOf(pool, one.id);
  }
  const { rows: [open] } = await pool.query<{ left: number; now: Date }>(
    `SELECT now(), count(*)::int AS left FROM notifications AS n JOIN incidents AS i ON i.id = n.incident_id
     WHERE n.key = $1 AND n.event = 'opened' AND i.closed_at IS NULL`,
    [thread],
  );
  const { left, now } = open!;
  return {
    message: { key, thread, event, includesOpening, incidents, left },
    nowMs: now.getTime(),
  };
}

/** SQL for a time in ISO 8601. */
const UTC = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Incidents as they are told of, in the order of `ids`. */
export async function readIncidents(
  pool: Pool,
  ids: readonly string[],
  link: string | null,
): Promise<Incident[]> {
  const { rows } = await pool.query<Omit<Incident, "before" | "link">>(
    `SELECT i.id::text, coalesce(s.url, '') AS url, kind, severity, cause, locations, evidence, labels,
       flapping, coalesce('channel ' || channel, s.name, s.url,
         'agent ' || coalesce(locations[1], agent::text)) AS site, ${
      UTC("opened_at")
    } AS "openedAt",
       ${UTC("acknowledged_at")} AS "acknowledgedAt", acknowledged_by AS "acknowledgedBy",
       ${UTC("closed_at")} AS "closedAt"
     FROM incidents AS i LEFT JOIN sites AS s ON s.id = i.site_id
     WHERE i.id = ANY ($1) ORDER BY array_position($1, i.id)`,
    [ids],
  );
  return rows.map((row) => ({ ...row, before: null, link: link && `${link}/incidents/${row.id}` }));
}

/** Of the incidents of its site in the 30 days before it. */
async function beforeOf(pool: Pool, id: string): Promise<Incident["before"]> {
  const { rows: [row] } = await pool.query<NonNullable<Incident["before"]>>(
    `SELECT to_char(max(b.closed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
         AS "wellSince",
       count(b.id)::int AS incidents,
       coalesce(extract(epoch FROM sum(b.closed_at - b.opened_at)), 0)::float8 AS seconds
     FROM incidents AS i LEFT JOIN incidents AS b
       ON b.site_id = i.site_id AND b.closed_at <= i.opened_at
       AND b.opened_at > i.opened_at - interval '30 days'
     WHERE i.id = $1 AND i.site_id IS NOT NULL GROUP BY i.id`,
    [id],
  );
  return row ?? null;
}

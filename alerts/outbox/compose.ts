import type { Pool } from "pg";
import { INCIDENT_ROW, type IncidentRow, utc } from "../incident.ts";
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

function nameOf(row: IncidentRow & { name: string | null; url: string | null }): string {
  if (row.channel !== null) return `channel ${row.channel}`;
  return row.name ?? row.url ?? `agent ${row.locations[0] ?? row.agent}`;
}

type Draft = Incident & { before: Incident["before"] };

/** Incidents as they are told of, in the order of `ids`. */
export async function readIncidents(
  pool: Pool,
  ids: readonly string[],
  link: string | null,
): Promise<Draft[]> {
  const { rows } = await pool.query<
    IncidentRow & {
      name: string | null;
      url: string | null;
      flapping: boolean;
      acknowledged_at: string | null;
      acknowledged_by: string | null;
    }
  >(
    `SELECT i.*, s.name, s.url FROM (
       SELECT ${INCIDENT_ROW}, ${utc("acknowledged_at")}, acknowledged_by, flapping
       FROM incidents
       WHERE id = ANY ($1)
     ) AS i LEFT JOIN sites AS s ON s.id = i.site_id ORDER BY array_position($1, i.id::int8)`,
    [ids],
  );
  return rows.map((row) => ({
    id: row.id,
    site: nameOf(row),
    url: row.url ?? "",
    kind: row.kind,
    severity: row.severity,
    openedAt: row.opened_at,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
    closedAt: row.closed_at,
    cause: row.cause,
    locations: row.locations,
    evidence: row.evidence,
    labels: row.labels,
    flapping: row.flapping,
    before: null,
    link: link && `${link}/incidents/${row.id}`,
  }));
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

import type { ClientBase } from "pg";
import type { About, IncidentRow } from "../incident.ts";

/**
 * An alerter that is this far behind is catching up: what opens waits for CATCH_UP_MS, and where it
 * is over by then, nobody is told.
 */
const BEHIND_MS = 600_000;
const CATCH_UP_MS = 60_000;

/** An incident that has opened or closed. */
export interface Happened {
  incident: IncidentRow;
  about: About;
  /** When that was decided, by the broker's clock, milliseconds since 1970; null: just now. */
  at: number | null;
}

/** Which channels are told of an incident. */
export type Route = (incident: IncidentRow, about: About) => readonly string[];

/** SQL: it was decided long before now, by the database's clock: that of an alerter may be wrong. */
const IS_LATE = `to_timestamp(at / 1000.0) < now() - interval '${BEHIND_MS} ms'`;

/** Owes it to the channels of each incident that it has opened. */
export async function oweOpened(
  client: ClientBase,
  opened: readonly Happened[],
  route: Route,
): Promise<void> {
  const owed = opened.flatMap(({ incident, about, at }) =>
    route(incident, about).map((channel) => ({ id: incident.id, channel, at }))
  );
  if (owed.length === 0) return;
  await client.query(
    `INSERT INTO notifications (incident_id, channel, event, due_at)
     SELECT id, channel, 'opened',
       now() + CASE WHEN ${IS_LATE} THEN ${CATCH_UP_MS} ELSE 0 END * interval '1 ms'
     FROM jsonb_to_recordset($1) AS o(id int8, channel text, at float8)`,
    [JSON.stringify(owed)],
  );
}

/**
 * Owes those who were told that it had opened that it is over. Who was not, as the alerter was far
 * behind or as it was silenced, is not told of the end either.
 */
export async function oweResolved(
  client: ClientBase,
  resolved: readonly Pick<Happened, "incident" | "at">[],
): Promise<void> {
  const ids = resolved.map(({ incident }) => incident.id);
  await client.query(
    `UPDATE notifications SET state = 'withdrawn'
     FROM jsonb_to_recordset($1) AS r(id int8, at float8)
     WHERE incident_id = r.id AND state = 'pending' AND attempts = 0 AND event = 'opened'
       AND (silence_id IS NOT NULL OR ${IS_LATE})`,
    [JSON.stringify(resolved.map(({ incident: { id }, at }) => ({ id, at })))],
  );
  await client.query(
    `WITH told AS (
       SELECT incident_id, channel, state IN ('pending', 'sent') AS told
       FROM notifications WHERE incident_id = ANY ($1) AND event = 'opened'
     ), over AS (
       UPDATE notifications AS n SET state = 'withdrawn' FROM told AS t
       WHERE n.incident_id = t.incident_id AND n.channel = t.channel AND NOT t.told
         AND n.state = 'pending'
     )
     INSERT INTO notifications (incident_id, channel, event)
     SELECT incident_id, channel, 'resolved' FROM told WHERE told ORDER BY incident_id, channel`,
    [ids],
  );
}

import type { ClientBase } from "pg";
import type { About, IncidentRow } from "../incident.ts";

/**
 * An alerter that is this far behind is catching up: what opens waits for CATCH_UP_MS, and where it
 * is over by then, nobody is told.
 */
const BEHIND_MS = 600_000;
const CATCH_UP_MS = 60_000;

/** An incident that has opened or closed, and when that was decided, by the broker's clock. */
export interface Happened {
  incident: IncidentRow;
  about: About;
  at: number;
}

/** Which channels are told of an incident. */
export type Route = (incident: IncidentRow, about: About) => readonly string[];

/** What owing is handed. */
export interface Telling {
  route: Route;
  /** Wall clock, milliseconds since 1970. */
  now: number;
}

/** Owes it to the channels of each incident that it has opened. */
export async function oweOpened(
  client: ClientBase,
  opened: readonly Happened[],
  { route, now }: Telling,
): Promise<void> {
  const owed = opened.flatMap(({ incident, about, at }) => {
    const waitMs = now - at > BEHIND_MS ? CATCH_UP_MS : 0;
    return route(incident, about).map((channel) => ({ id: incident.id, channel, waitMs }));
  });
  if (owed.length === 0) return;
  await client.query(
    `INSERT INTO notifications (incident_id, channel, event, due_at)
     SELECT id, channel, 'opened', now() + "waitMs" * interval '1 ms'
     FROM jsonb_to_recordset($1) AS o(id int8, channel text, "waitMs" float8)`,
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
  { now }: Pick<Telling, "now">,
): Promise<void> {
  const ids = resolved.map(({ incident }) => incident.id);
  const late = resolved.filter(({ at }) => now - at > BEHIND_MS).map(({ incident }) => incident.id);
  await client.query(
    `UPDATE notifications SET state = 'withdrawn'
     WHERE incident_id = ANY ($1) AND state = 'pending' AND attempts = 0 AND event = 'opened'
       AND (silence_id IS NOT NULL OR incident_id = ANY ($2))`,
    [ids, late],
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

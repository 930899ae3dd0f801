import type { ClientBase } from "pg";
import type { IncidentRow } from "../incident.ts";

/**
 * An alerter that is this far behind is catching up: what opens waits for CATCH_UP_MS, and where it
 * is over by then, nobody is told.
 */
const BEHIND_MS = 600_000;
const CATCH_UP_MS = 60_000;

/** An incident that has opened or closed, and when the broker took the result that decided it. */
export interface Happened {
  incident: IncidentRow;
  /** Those that the site's config names; null: it names none. */
  channels: readonly string[] | null;
  at: number;
}

/** Which channels are told of an incident, in the order of the config. */
export type Route = (
  incident: IncidentRow,
  channels: readonly string[] | null,
) => readonly string[];

/**
 * Owes it to the channels of each incident that it has opened.
 *
 * @param now Wall clock, milliseconds since 1970
 */
export async function oweOpened(
  client: ClientBase,
  opened: readonly Happened[],
  { route, now }: { route: Route; now: number },
): Promise<void> {
  const owed = opened.flatMap(({ incident, channels, at }) => {
    const waitMs = now - at > BEHIND_MS ? CATCH_UP_MS : 0;
    return route(incident, channels).map((channel) => ({ id: incident.id, channel, waitMs }));
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
 *
 * @param now Wall clock, milliseconds since 1970
 */
export async function oweResolved(
  client: ClientBase,
  resolved: readonly Pick<Happened, "incident" | "at">[],
  { now }: { now: number },
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

import type { ClientBase } from "pg";
import type { About, IncidentRow } from "./incident.ts";

/**
 * An alerter that is this far behind is catching up: what opens waits for CATCH_UP_MS, and where it
 * is over by then, nobody is told.
 */
const BEHIND_MS = 600_000;
const CATCH_UP_MS = 60_000;

/** What a webhook's body is. */
export interface Notice {
  event: "opened" | "resolved";
  incident: {
    id: string;
    site: string;
    url: string;
    kind: string;
    severity: string;
    /** ISO 8601, UTC, as the others. */
    openedAt: string;
    closedAt: string | null;
    cause: string;
    locations: readonly string[];
    evidence: IncidentRow["evidence"];
  };
}

/** An incident that has opened or closed, and when that was decided, by the broker's clock. */
export interface Happened {
  incident: IncidentRow;
  about: About;
  at: number;
}

/**
 * Owes the channels of each incident that it opened.
 *
 * @param now Wall clock, milliseconds since 1970
 */
export async function oweOpened(
  client: ClientBase,
  opened: readonly Happened[],
  now: number,
): Promise<void> {
  const owed = opened.flatMap(({ incident, about, at }) => {
    const waitMs = now - at > BEHIND_MS ? CATCH_UP_MS : 0;
    const body = bodyOf("opened", incident, about);
    return about.channels.map((channel) => ({ incident_id: incident.id, channel, body, waitMs }));
  });
  await owe(client, "opened", owed);
}

/** Owes those who were told that it opened that it is over. @param now As `oweOpened` has it */
export async function oweResolved(
  client: ClientBase,
  resolved: readonly Happened[],
  now: number,
): Promise<void> {
  await client.query(
    `UPDATE notifications SET state = 'withdrawn'
     WHERE incident_id = ANY ($1) AND state = 'pending' AND attempts = 0`,
    [resolved.filter(({ at }) => now - at > BEHIND_MS).map(({ incident }) => incident.id)],
  );
  // Who was not told that it opened is not told that it is over.
  const { rows: told } = await client.query(
    `SELECT incident_id::text, channel FROM notifications
     WHERE incident_id = ANY ($1) AND event = 'opened' AND state IN ('pending', 'sent') ORDER BY id`,
    [resolved.map(({ incident }) => incident.id)],
  );
  const bodies = new Map(
    resolved.map(({ incident, about }) => [incident.id, bodyOf("resolved", incident, about)]),
  );
  const owed = told.map((each) => ({ ...each, body: bodies.get(each.incident_id)!, waitMs: 0 }));
  await owe(client, "resolved", owed);
}

interface Owed {
  incident_id: string;
  channel: string;
  body: string;
  waitMs: number;
}

async function owe(client: ClientBase, event: Notice["event"], owed: readonly Owed[]) {
  if (owed.length === 0) return;
  await client.query(
    `INSERT INTO notifications (incident_id, channel, event, body, due_at)
     SELECT incident_id, channel, $2, body, now() + "waitMs" * interval '1 ms'
     FROM jsonb_to_recordset($1) AS o(incident_id int8, channel text, body text, "waitMs" float8)`,
    [JSON.stringify(owed), event],
  );
}

function bodyOf(event: Notice["event"], row: IncidentRow, about: About): string {
  const notice: Notice = {
    event,
    incident: {
      id: row.id,
      site: about.name,
      url: about.url,
      kind: row.kind,
      severity: row.severity,
      openedAt: row.opened_at,
      closedAt: row.closed_at,
      cause: row.cause,
      locations: row.locations,
      evidence: row.evidence,
    },
  };
  return JSON.stringify(notice);
}

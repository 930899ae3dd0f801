import type { ClientBase } from "pg";
import { formatTimestamp } from "../wire/timestamp.ts";
import type { About, Route } from "./outbox/routes.ts";
import type { Change, Evidence, IncidentKey, Subject } from "./state/change.ts";

/**
 * An alerter that is this far behind is catching up: what opens waits for CATCH_UP_MS, and where it
 * is over by then, nobody is told.
 */
const BEHIND_MS = 600_000;
const CATCH_UP_MS = 60_000;

/** SQL: it was decided long before now, by the database's clock: that of an alerter may be wrong. */
const IS_LATE = `to_timestamp(at / 1000.0) < now() - interval '${BEHIND_MS} ms'`;

/** What storing changes is handed. */
export interface ChangeDeps {
  route: Route;
  aboutOf(subject: Subject): About;
}

/** Opens and closes incidents, and owes the notifications for them. */
export async function storeChanges(
  client: ClientBase,
  changes: readonly Change[],
  { route, aboutOf }: ChangeDeps,
): Promise<void> {
  const those = <What extends Change["what"]>(what: What) =>
    changes.filter((change): change is Extract<Change, { what: What }> => change.what === what);
  await openIncidents(
    client,
    those("opened").map((change) => {
      const { subject, evidence } = change;
      const about = aboutOf(subject);
      const seenBy = "agent" in subject ? [subject] : evidence;
      const locations = [...new Set(seenBy.map(({ location, agent }) => location ?? agent))];
      return { ...change, locations, labels: about.labels, told: route({ ...change, ...about }) };
    }),
  );
  await flap(client, those("flapping"));
  const closed = await close(client, those("resolved"));
  if (closed.length > 0) await oweResolved(client, closed);
}

/** An incident to be opened. */
export interface Opening extends Omit<IncidentKey, "subject" | "kind"> {
  subject: Subject | { channel: string };
  kind: string;
  severity: string;
  cause: string;
  locations: readonly string[];
  evidence: readonly Evidence[];
  labels: Readonly<Record<string, string>>;
  /** Channels. */
  told: readonly string[];
  /** When that was decided, by the broker's clock, milliseconds since 1970; left out: just now. */
  at?: number;
}

/** SQL: what an incident is told by, in the JSON of `keyed`, and whether incident `i` is that one. */
const KEY = 'site int4, agent uuid, channel text, kind text, "openedAt" float8';
const SUBJECT = "coalesce(site::text, c.agent::text, c.channel)";
const OPENED_AT = 'to_timestamp("openedAt" / 1e6)';
const IS_SAME = `(i.subject, i.kind, opened_at) = (${SUBJECT}, c.kind, ${OPENED_AT})`;

function keyed(changes: readonly { subject: object }[]): string {
  return JSON.stringify(changes.map((change) => ({ ...change, ...change.subject })));
}

/**
 * Opens incidents, and owes it to those who are to be told. One that is there already, as the topic is
 * read again, stays as it is and owes nothing.
 */
export async function openIncidents(
  client: ClientBase,
  openings: readonly Opening[],
): Promise<void> {
  if (openings.length === 0) return;
  const rows = openings.map(({ evidence, ...opening }) => ({
    ...opening,
    evidence: evidence.map((one) => ({ ...one, since: iso(one.since) })),
  }));
  await client.query(
    `WITH openings AS (
       SELECT *, ${SUBJECT} AS subject, ${OPENED_AT} AS opened_at FROM jsonb_to_recordset($1) AS c(
         ${KEY}, severity text, cause text, locations text[], evidence jsonb, labels jsonb,
         told text[], at float8)
     ), opened AS (
       INSERT INTO incidents (site_id, agent, channel, kind, severity, opened_at, cause, locations,
         evidence, labels)
       SELECT site, agent, channel, kind, severity, opened_at, cause, locations, evidence, labels
       FROM openings ON CONFLICT DO NOTHING RETURNING id, subject, kind, opened_at
     )
     INSERT INTO notifications (incident_id, channel, event, due_at)
     SELECT id, name, 'opened',
       now() + CASE WHEN ${IS_LATE} THEN ${CATCH_UP_MS} ELSE 0 END * interval '1 ms'
     FROM opened JOIN openings USING (subject, kind, opened_at) CROSS JOIN unnest(told) AS name
     ORDER BY id`,
    [keyed(rows)],
  );
}

async function close(
  client: ClientBase,
  ends: readonly IncidentKey[],
): Promise<{ id: string; at: number }[]> {
  if (ends.length === 0) return [];
  const { rows } = await client.query(
    `UPDATE incidents AS i SET closed_at = to_timestamp("closedAt" / 1e6)
     FROM jsonb_to_recordset($1) AS c(${KEY}, "closedAt" float8, at float8)
     WHERE ${IS_SAME} AND closed_at IS NULL RETURNING id, at`,
    [keyed(ends)],
  );
  return rows;
}

async function flap(client: ClientBase, changes: readonly IncidentKey[]): Promise<void> {
  // Of several changes of one incident, the last one.
  const last = new Map(
    changes.map((one) => [JSON.stringify([one.subject, one.kind, one.openedAt]), one]),
  );
  if (last.size === 0) return;
  await client.query(
    `UPDATE incidents AS i SET flapping = "isFlapping"
     FROM jsonb_to_recordset($1) AS c(${KEY}, "isFlapping" boolean) WHERE ${IS_SAME}`,
    [keyed([...last.values()])],
  );
}

/**
 * Owes those who were told that it had opened that it is over. Who was not, as the alerter was far
 * behind or as it was silenced, is not told of the end either.
 *
 * @param resolved Incidents, and `at` as openings have it; null: just now
 */
export async function oweResolved(
  client: ClientBase,
  resolved: readonly { id: string; at: number | null }[],
): Promise<void> {
  await client.query(
    `UPDATE notifications SET state = 'withdrawn'
     FROM jsonb_to_recordset($1) AS r(id int8, at float8)
     WHERE incident_id = r.id AND state = 'pending' AND attempts = 0 AND event = 'opened'
       AND (silence_id IS NOT NULL OR ${IS_LATE})`,
    [JSON.stringify(resolved)],
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
    [resolved.map(({ id }) => id)],
  );
}

/** @param microseconds Since 1970 */
function iso(microseconds: number): string {
  return `${formatTimestamp(BigInt(microseconds)).replace(" ", "T")}Z`;
}

import type { ClientBase } from "pg";
import { formatTimestamp } from "../wire/timestamp.ts";
import type { About, Route } from "./outbox/routes.ts";
import type { Change, Subject } from "./state/change.ts";

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
  const openings: Opening[] = [];
  const ends: (Place & { closed_at: string; at: number })[] = [];
  const flapping: (Place & { flapping: boolean })[] = [];
  for (const change of changes) {
    const { subject, kind, openedAt, at } = change;
    const place = {
      ...("site" in subject ? { site_id: subject.site } : { agent: subject.agent }),
      kind,
      opened_at: iso(openedAt),
    };
    if (change.what === "resolved") ends.push({ ...place, closed_at: iso(change.closedAt), at });
    else if (change.what === "flapping") flapping.push({ ...place, flapping: change.isFlapping });
    else {
      const { severity, cause, evidence } = change;
      const about = aboutOf(subject);
      const { labels } = about;
      const seenBy = "agent" in subject ? [subject] : evidence;
      openings.push({
        ...{ ...place, severity, cause, labels, at },
        locations: [...new Set(seenBy.map(({ location, agent }) => location ?? agent))],
        evidence: evidence.map((one) => ({ ...one, since: iso(one.since) })),
        told: route({ kind, severity, labels }, about),
      });
    }
  }
  await openIncidents(client, openings);
  if (flapping.length > 0) await flap(client, flapping);
  if (ends.length > 0) await oweResolved(client, await close(client, ends));
}

/** What makes an incident of a site or an agent the same one, in the words of its row. */
interface Place {
  site_id?: number;
  agent?: string;
  kind: string;
  /** ISO 8601, UTC; so is `closed_at`. */
  opened_at: string;
}

/** An incident to be opened. */
export interface Opening extends Place {
  channel?: string;
  severity: string;
  cause: string;
  locations: readonly string[];
  evidence: readonly unknown[];
  labels: Readonly<Record<string, string>>;
  /** Channels. */
  told: readonly string[];
  /** When that was decided, by the broker's clock, milliseconds since 1970; left out: just now. */
  at?: number;
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
  await client.query(
    `WITH openings AS (
       SELECT * FROM jsonb_to_recordset($1) AS o(
         site_id int4, agent uuid, channel text, kind text, severity text, opened_at timestamptz,
         cause text, locations text[], evidence jsonb, labels jsonb, told text[], at float8)
     ), opened AS (
       INSERT INTO incidents (site_id, agent, channel, kind, severity, opened_at, cause, locations,
         evidence, labels)
       SELECT site_id, agent, channel, kind, severity, opened_at, cause, locations, evidence, labels
       FROM openings ON CONFLICT DO NOTHING
       RETURNING id, coalesce(site_id::text, agent::text, channel) AS subject, kind, opened_at
     )
     INSERT INTO notifications (incident_id, channel, event, due_at)
     SELECT id, name, 'opened',
       now() + CASE WHEN ${IS_LATE} THEN ${CATCH_UP_MS} ELSE 0 END * interval '1 ms'
     FROM opened JOIN openings AS o USING (kind, opened_at) CROSS JOIN unnest(told) AS name
     WHERE subject = coalesce(o.site_id::text, o.agent::text, o.channel) ORDER BY id`,
    [JSON.stringify(openings)],
  );
}

async function close(
  client: ClientBase,
  ends: readonly Place[],
): Promise<{ id: string; at: number }[]> {
  const { rows } = await client.query(
    `UPDATE incidents SET closed_at = c.closed_at
     FROM jsonb_to_recordset($1) AS c(site_id int4, agent uuid, kind text, opened_at timestamptz,
       closed_at timestamptz, at float8)
     WHERE incidents.closed_at IS NULL AND id = coalesce(
       (SELECT id FROM incidents AS i
        WHERE i.site_id = c.site_id AND i.kind = c.kind AND i.opened_at = c.opened_at),
       (SELECT id FROM incidents AS i
        WHERE i.agent = c.agent AND i.kind = c.kind AND i.opened_at = c.opened_at))
     RETURNING id, c.at`,
    [JSON.stringify(ends)],
  );
  return rows;
}

async function flap(client: ClientBase, changes: readonly Place[]): Promise<void> {
  await client.query(
    `UPDATE incidents AS i SET flapping = c.flapping
     FROM jsonb_to_recordset($1) AS c(site_id int4, kind text, opened_at timestamptz, flapping boolean)
     WHERE i.site_id = c.site_id AND i.kind = c.kind AND i.opened_at = c.opened_at`,
    [JSON.stringify(changes)],
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

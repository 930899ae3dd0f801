import type { ClientBase } from "pg";
import { formatTimestamp } from "../wire/timestamp.ts";
import { type About, INCIDENT_ROW, type IncidentRow } from "./incident.ts";
import { type Happened, oweOpened, oweResolved, type Route } from "./outbox/owe.ts";
import type { Change, Subject } from "./state/change.ts";

/** What storing changes is handed. */
export interface ChangeDeps {
  route: Route;
  aboutOf(subject: Subject): About;
}

/**
 * Opens and closes incidents, and owes the notifications for them. One that is there already, as the
 * topic is read again, stays as it is and owes nothing.
 */
export async function storeChanges(
  client: ClientBase,
  changes: readonly Change[],
  deps: ChangeDeps,
): Promise<void> {
  const opened = changes.flatMap((change) => change.what === "opened" ? change : []);
  const flapping = changes.flatMap((change) => change.what === "flapping" ? change : []);
  const resolved = changes.flatMap((change) => change.what === "resolved" ? change : []);
  if (opened.length > 0) {
    await oweOpened(client, happened(await open(client, opened, deps), opened, deps), deps.route);
  }
  if (flapping.length > 0) await flap(client, flapping);
  if (resolved.length > 0) {
    await oweResolved(client, happened(await resolve(client, resolved), resolved, deps));
  }
}

type Of<What> = Extract<Change, { what: What }>;

async function open(
  client: ClientBase,
  changes: readonly Of<"opened">[],
  { aboutOf }: ChangeDeps,
): Promise<IncidentRow[]> {
  const { rows } = await client.query(
    `INSERT INTO incidents
       (site_id, agent, kind, severity, opened_at, cause, locations, evidence, labels)
     SELECT c.* FROM jsonb_to_recordset($1) AS c(
       site_id int4, agent uuid, kind text, severity text, opened_at timestamptz, cause text,
       locations text[], evidence jsonb, labels jsonb)
     ON CONFLICT DO NOTHING RETURNING ${INCIDENT_ROW}`,
    [JSON.stringify(changes.map((change) => ({
      ...placeOf(change),
      severity: change.severity,
      cause: change.cause,
      locations: locationsOf(change),
      evidence: change.evidence.map((one) => ({ ...one, since: iso(one.since) })),
      labels: aboutOf(change.subject).labels,
    })))],
  );
  return rows;
}

async function resolve(
  client: ClientBase,
  changes: readonly Of<"resolved">[],
): Promise<IncidentRow[]> {
  const { rows } = await client.query(
    `UPDATE incidents SET closed_at = c.closed
     FROM jsonb_to_recordset($1) AS c(
       site int4, whose uuid, what text, opened timestamptz, closed timestamptz)
     WHERE closed_at IS NULL AND id = coalesce(
       (SELECT id FROM incidents WHERE site_id = site AND kind = what AND opened_at = opened),
       (SELECT id FROM incidents WHERE agent = whose AND kind = what AND opened_at = opened))
     RETURNING ${INCIDENT_ROW}`,
    [JSON.stringify(changes.map((change) => {
      const { site_id: site, agent: whose, kind: what, opened_at: opened } = placeOf(change);
      return { site, whose, what, opened, closed: iso(change.closedAt) };
    }))],
  );
  return rows;
}

async function flap(client: ClientBase, changes: readonly Of<"flapping">[]): Promise<void> {
  await client.query(
    `UPDATE incidents SET flapping = c.now
     FROM jsonb_to_recordset($1) AS c(site int4, what text, opened timestamptz, now boolean)
     WHERE site_id = site AND kind = what AND opened_at = opened`,
    [JSON.stringify(changes.map((change) => {
      const { site_id: site, kind: what, opened_at: opened } = placeOf(change);
      return { site, what, opened, now: change.isFlapping };
    }))],
  );
}

function locationsOf({ subject, evidence }: Of<"opened">): string[] {
  const agents = "agent" in subject ? [subject] : evidence;
  return [...new Set(agents.map(({ location, agent }) => location ?? agent))];
}

function happened(
  rows: readonly IncidentRow[],
  changes: readonly Change[],
  { aboutOf }: ChangeDeps,
): Happened[] {
  const byPlace = new Map(changes.map((change) => [JSON.stringify(placeOf(change)), change]));
  return rows.map((incident) => {
    const { site_id, agent, kind, opened_at } = incident;
    const { subject, at } = byPlace.get(JSON.stringify({ site_id, agent, kind, opened_at }))!;
    return { incident, about: aboutOf(subject), at };
  });
}

/** What makes it the same one, in the words of its row. */
function placeOf({ subject, kind, openedAt }: Change) {
  return {
    site_id: "site" in subject ? subject.site : null,
    agent: "agent" in subject ? subject.agent : null,
    kind,
    opened_at: iso(openedAt),
  };
}

/** @param microseconds Since 1970 */
function iso(microseconds: number): string {
  return `${formatTimestamp(BigInt(microseconds)).replace(" ", "T")}Z`;
}

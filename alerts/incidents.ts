import type { ClientBase } from "pg";
import { formatTimestamp } from "../wire/timestamp.ts";
import type { Change, Evidence } from "./state.ts";

/**
 * An alerter that is this far behind is catching up: what opens waits for CATCH_UP_MS, and where it
 * is over by then, nobody is told.
 */
const BEHIND_MS = 600_000;
const CATCH_UP_MS = 60_000;

/** A site of a batch. */
export interface BatchSite {
  identity: string;
  name: string | null;
  url: string;
  channels: readonly string[];
}

/** What happened to a site, and when the broker took the result that decided it. */
export interface SiteChange {
  siteId: number;
  site: BatchSite;
  change: Change;
  at: number;
}

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
    evidence: readonly (Omit<Evidence, "since"> & { since: string })[];
  };
}

/**
 * Opens and closes incidents, and owes the notifications for them. One that is there already, as the
 * topic is read again, stays as it is and owes nothing.
 *
 * @param now Wall clock, milliseconds since 1970
 */
export async function storeChanges(
  client: ClientBase,
  changes: readonly SiteChange[],
  now: number,
): Promise<void> {
  const opened = changes.filter(({ change }) => change.what === "opened");
  const resolved = changes.filter(({ change }) => change.what === "resolved");
  if (opened.length > 0) await open(client, opened, now);
  if (resolved.length > 0) await resolve(client, resolved, now);
}

async function open(client: ClientBase, changes: readonly SiteChange[], now: number) {
  const { rows } = await client.query<Row>(
    `INSERT INTO incidents (site_id, kind, severity, opened_at, cause, locations, evidence)
     SELECT c.* FROM jsonb_to_recordset($1) AS c(
       site_id int4, kind text, severity text, opened_at timestamptz, cause text,
       locations text[], evidence jsonb)
     ON CONFLICT DO NOTHING RETURNING ${ROW}`,
    [JSON.stringify(changes.map(toIncident))],
  );
  const byPlace = new Map(changes.map((each) => [placeOf(toIncident(each)), each]));
  const owed = rows.flatMap((row) => {
    const { site, at } = byPlace.get(placeOf(row))!;
    const waitMs = now - at > BEHIND_MS ? CATCH_UP_MS : 0;
    const body = bodyOf("opened", row, site);
    return site.channels.map((channel) => ({ incident_id: row.id, channel, body, waitMs }));
  });
  await owe(client, "opened", owed);
}

async function resolve(client: ClientBase, changes: readonly SiteChange[], now: number) {
  const { rows } = await client.query<Row>(
    `UPDATE incidents SET closed_at = c.closed
     FROM jsonb_to_recordset($1) AS c(site int4, level text, opened timestamptz, closed timestamptz)
     WHERE site_id = c.site AND kind = c.level AND opened_at = c.opened AND closed_at IS NULL
     RETURNING ${ROW}`,
    [JSON.stringify(changes.map(({ siteId, change }) => ({
      site: siteId,
      level: change.kind,
      opened: iso(change.openedAt),
      closed: iso(change.what === "resolved" ? change.closedAt : change.openedAt),
    })))],
  );
  const byPlace = new Map(changes.map((each) => [placeOf(keyOf(each)), each]));
  const isOld = (row: Row) => now - byPlace.get(placeOf(row))!.at > BEHIND_MS;
  await client.query(
    `UPDATE notifications SET state = 'withdrawn'
     WHERE incident_id = ANY ($1) AND state = 'pending' AND attempts = 0`,
    [rows.filter(isOld).map(({ id }) => id)],
  );
  // Who was not told that it opened is not told that it is over.
  const { rows: told } = await client.query(
    `SELECT incident_id::text, channel FROM notifications
     WHERE incident_id = ANY ($1) AND event = 'opened' AND state IN ('pending', 'sent') ORDER BY id`,
    [rows.map(({ id }) => id)],
  );
  const bodies = new Map(
    rows.map((row) => [row.id, bodyOf("resolved", row, byPlace.get(placeOf(row))!.site)]),
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

const UTC = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;

/** SQL for a `Row`. */
const ROW = `id::text, site_id, kind, severity, ${UTC("opened_at")}, ${UTC("closed_at")},
  cause, locations, evidence`;

/** An incident as the database has it, its times in ISO 8601. */
interface Row {
  id: string;
  site_id: number;
  kind: string;
  severity: string;
  opened_at: string;
  closed_at: string | null;
  cause: string;
  locations: string[];
  evidence: Notice["incident"]["evidence"];
}

function keyOf({ siteId, change }: SiteChange) {
  return { site_id: siteId, kind: change.kind, opened_at: iso(change.openedAt) };
}

function placeOf({ site_id, kind, opened_at }: Pick<Row, "site_id" | "kind" | "opened_at">) {
  return `${site_id} ${kind} ${opened_at}`;
}

function toIncident(each: SiteChange): Omit<Row, "id" | "closed_at"> {
  const evidence = each.change.what === "opened" ? each.change.evidence : [];
  return {
    ...keyOf(each),
    severity: each.change.kind === "down" ? "critical" : "warning",
    cause: evidence.at(-1)?.cause ?? "",
    locations: [...new Set(evidence.map(({ location, agent }) => location ?? agent))],
    evidence: evidence.map((one) => ({ ...one, since: iso(one.since) })),
  };
}

function bodyOf(event: Notice["event"], row: Row, site: SiteChange["site"]): string {
  const notice: Notice = {
    event,
    incident: {
      id: row.id,
      site: site.name ?? site.url,
      url: site.url,
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

/** @param microseconds Since 1970 */
function iso(microseconds: number): string {
  return `${formatTimestamp(BigInt(microseconds)).replace(" ", "T")}Z`;
}

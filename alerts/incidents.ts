import type { ClientBase } from "pg";
import { formatTimestamp } from "../wire/timestamp.ts";
import { type BatchSite, INCIDENT_ROW, type IncidentRow } from "./incident.ts";
import { type Happened, oweOpened, oweResolved } from "./owed.ts";
import type { Change } from "./state.ts";

/** What happened to a site, and when the broker took the result that decided it. */
export interface SiteChange {
  siteId: number;
  site: BatchSite;
  change: Change;
  at: number;
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
  if (opened.length > 0) await oweOpened(client, await open(client, opened), now);
  if (resolved.length > 0) await oweResolved(client, await resolve(client, resolved), now);
}

async function open(client: ClientBase, changes: readonly SiteChange[]): Promise<Happened[]> {
  const { rows } = await client.query<IncidentRow>(
    `INSERT INTO incidents (site_id, kind, severity, opened_at, cause, locations, evidence)
     SELECT c.* FROM jsonb_to_recordset($1) AS c(
       site_id int4, kind text, severity text, opened_at timestamptz, cause text,
       locations text[], evidence jsonb)
     ON CONFLICT DO NOTHING RETURNING ${INCIDENT_ROW}`,
    [JSON.stringify(changes.map(toIncident))],
  );
  return happened(rows, changes);
}

async function resolve(client: ClientBase, changes: readonly SiteChange[]): Promise<Happened[]> {
  const { rows } = await client.query<IncidentRow>(
    `UPDATE incidents SET closed_at = c.closed
     FROM jsonb_to_recordset($1) AS c(site int4, level text, opened timestamptz, closed timestamptz)
     WHERE site_id = c.site AND kind = c.level AND opened_at = c.opened AND closed_at IS NULL
     RETURNING ${INCIDENT_ROW}`,
    [JSON.stringify(changes.map(({ siteId, change }) => ({
      site: siteId,
      level: change.kind,
      opened: iso(change.openedAt),
      closed: iso(change.what === "resolved" ? change.closedAt : change.openedAt),
    })))],
  );
  return happened(rows, changes);
}

function happened(rows: readonly IncidentRow[], changes: readonly SiteChange[]): Happened[] {
  const byPlace = new Map(changes.map((each) => [placeOf(keyOf(each)), each]));
  return rows.map((incident) => {
    const { site, at } = byPlace.get(placeOf(incident))!;
    return { incident, site, at };
  });
}

function keyOf({ siteId, change }: SiteChange) {
  return { site_id: siteId, kind: change.kind, opened_at: iso(change.openedAt) };
}

function placeOf(
  { site_id, kind, opened_at }: Pick<IncidentRow, "site_id" | "kind" | "opened_at">,
) {
  return `${site_id} ${kind} ${opened_at}`;
}

function toIncident(each: SiteChange): Omit<IncidentRow, "id" | "closed_at"> {
  const evidence = each.change.what === "opened" ? each.change.evidence : [];
  return {
    ...keyOf(each),
    severity: each.change.kind === "down" ? "critical" : "warning",
    cause: evidence.at(-1)?.cause ?? "",
    locations: [...new Set(evidence.map(({ location, agent }) => location ?? agent))],
    evidence: evidence.map((one) => ({ ...one, since: iso(one.since) })),
  };
}

/** @param microseconds Since 1970 */
function iso(microseconds: number): string {
  return `${formatTimestamp(BigInt(microseconds)).replace(" ", "T")}Z`;
}

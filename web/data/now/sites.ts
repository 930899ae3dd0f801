import type { Pool } from "pg";
import { adviceFor } from "../../../db/connect/advice.ts";
import { type Clock, sleep } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { type RetryDeps, retryUntil } from "../../../runtime/retry.ts";
import { MS } from "../sql.ts";
import { freshMs, judge, type Seen, type State } from "./judge.ts";
import { type Named, SharedThings } from "./shared.ts";

/** A site as it is now. Times are milliseconds since 1970. */
export interface SiteNow {
  id: number;
  /** Its name, or its URL where it has none. */
  name: string;
  /** Its place by its name; two may have one of late. */
  rank: number;
  url: string;
  state: State;
  since: number;
  lastResult: number;
  /** Agents that say something of now, and those of them that see it down. */
  agents: number;
  agentsDown: number;
  /** Where they stand, or their UUIDs. */
  locations: readonly string[];
  downFrom: readonly string[];
  responseMs: number | null;
  responseCode: number | null;
  reason: string | null;
  errorMessage: string | null;
  certificateExpiresAt: number | null;
  /** Seconds between due times; null: not said. */
  frequency: number | null;
  labels: Readonly<Record<string, string>>;
  /** The one that is open, of its being down or degraded first; null: none is. */
  incident: OpenIncident | null;
}

/** An incident of a site that is open. */
export interface OpenIncident {
  id: string;
  isAcknowledged: boolean;
  acknowledgedBy: string | null;
}

/** What came in one look at the database. */
export interface Update {
  /** Sites of which state, since or cause are other than before, as they are now. */
  changed: readonly SiteNow[];
  /** Sites with a new result. */
  heard: readonly SiteNow[];
}

export interface SitesDeps extends Pick<RetryDeps, "spell"> {
  pool: Pool;
  clock: Clock;
  log: Logger;
}

const DAY_MS = 86_400_000;
const LOOK_MS = 1_500;
/** All is read anew so often: for what came late, and for agents that fell silent. */
const RELOAD_MS = 60_000;
/** Results reach the table in batches: so far behind the newest another one may still come. */
const OVERLAP_MS = 15_000;
/** Nothing is said of a site without a result in this time. */
const WITHIN = "26 hours";

/** A result, and since when its agent sees what it says. */
type Row = [
  siteId: number,
  agentId: number,
  ts: number,
  since: number,
  state: number,
  responseMs: number | null,
  responseCode: number | null,
  contextId: number | null,
  reasonId: number | null,
  connectionId: number | null,
];

/** SQL: its columns, of `r`. */
const columns = (since: string, state: string, responseMs: string) =>
  `site_id, agent_id, ${MS("ts")}, ${MS(since, "since")}, ${state}, ${responseMs}, response_code,
   context_id, reason_id, connection_id`;

/**
 * All sites as they are now: read at the start and each minute, and in between brought up to date from
 * the newest results, so that no page has to ask for it.
 */
export class Sites {
  readonly #deps: SitesDeps;
  readonly #shared: SharedThings;
  readonly #listeners = new Set<(update: Update) => void>();
  #byId = new Map<number, SiteNow>();
  #seen = new Map<number, Map<number, Seen>>();
  /** By site: its place among all by its name. */
  #ranks = new Map<number, number>();
  #incidents = new Map<number, OpenIncident>();
  #newest = 0;
  /** How far the database's clock is ahead of ours. */
  #aheadMs = 0;
  #failingSince: number | null = null;
  #isRead = false;
  #revision: number;
  /** By site: the revision since which it is as it is. */
  readonly #changedAt = new Map<number, number>();

  constructor(deps: SitesDeps) {
    this.#deps = deps;
    this.#shared = new SharedThings(deps.pool);
    // Beyond those of before a restart, which pages may have.
    this.#revision = deps.clock.now();
  }

  /** Counts up with each change. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether they were read at all. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Since when the database does not answer; null: it does. */
  get failingSince(): number | null {
    return this.#failingSince;
  }

  /** When the newest result was made, 0 where there is none. */
  get newest(): number {
    return this.#newest;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Iterable<SiteNow> {
    return this.#byId.values();
  }

  /** Those that are other than at this revision. */
  changedSince(revision: number): SiteNow[] {
    return [...this.#byId.values()].filter(({ id }) => this.#changedAt.get(id)! > revision);
  }

  get(id: number): SiteNow | null {
    return this.#byId.get(id) ?? null;
  }

  /** The last result of each agent of a site. */
  seenOf(id: number): readonly Seen[] {
    return [...this.#seen.get(id)?.values() ?? []];
  }

  /** The agents of a site, and whether they say something of now. */
  *heardOf(id: number): Iterable<{ agentId: number; isFresh: boolean }> {
    const now = this.#deps.clock.now() + this.#aheadMs;
    for (const { agentId, ts, frequency } of this.#seen.get(id)?.values() ?? []) {
      yield { agentId, isFresh: ts > now - freshMs(frequency) };
    }
  }

  /** @returns What ends it */
  subscribe(listener: (update: Update) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads all sites anew. */
  async load(): Promise<void> {
    const before = this.#deps.clock.now();
    const { rows: [{ now }] } = await this.#deps.pool.query(`SELECT ${MS("now()", "now")}`);
    this.#aheadMs = now - before;
    const rows = await this.#results(
      `SELECT ${columns("since", "state", "response_ms")} FROM httpmon_agents_see($1) AS r`,
      [WITHIN],
    );
    await this.#shared.know(namedBy(rows), { only: true });
    this.#seen = new Map();
    for (const row of rows) this.#note(row);
    this.#rank();
    await this.#readIncidents();
    const known = this.#byId;
    this.#byId = new Map();
    this.#isRead = true;
    this.#tell([...this.#seen.keys()].map((id) => this.#judge(id, known.get(id))), []);
    // Nothing is told of those that were not heard of for too long.
    if ([...known.keys()].some((id) => !this.#byId.has(id))) this.#revision++;
  }

  /** Takes over what came since the last look. */
  async look(): Promise<void> {
    // An agent whose clock is ahead takes nobody else out of sight.
    const now = this.#deps.clock.now() + this.#aheadMs;
    const from = new Date(Math.min(this.#newest, now) - OVERLAP_MS);
    const rows = await this.#results(
      `SELECT ${columns("ts", "CASE WHEN maintenance THEN 4 ELSE verdict END", "response_time")}
       FROM check_results AS r WHERE ts > $1 AND ts < $2 ORDER BY ts`,
      [from, new Date(now + 2 * DAY_MS)],
    );
    // Most of them were there at the last look.
    const newer = rows.filter((row) => this.#isNewer(row));
    await this.#shared.know(namedBy(newer));
    const known = this.#seen.size;
    for (const row of newer) this.#note(row);
    const heard = new Set(newer.map(([siteId]) => siteId));
    if (this.#seen.size > known) this.#rank();
    const other = await this.#readIncidents();
    this.#tell(
      [...new Set([...heard, ...other])].map((id) => this.#judge(id, this.#byId.get(id))),
      heard,
    );
  }

  /** Keeps up with the database until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let loadedAt = -Infinity;
    while (!signal.aborted) {
      await retryUntil("Reading the state of the sites", async () => {
        const isDue = this.#newest === 0 || clock.monotonic() - loadedAt >= RELOAD_MS;
        await (isDue ? this.load() : this.look());
        if (isDue) loadedAt = clock.monotonic();
        this.#failingSince = null;
      }, {
        ...this.#deps,
        signal,
        advise: adviceFor,
        onFailure: () => this.#failingSince ??= clock.now(),
      });
      await sleep(clock, LOOK_MS, signal);
    }
  }

  /** As arrays: objects of as many rows would take longer than the database does. */
  async #results(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.#deps.pool.query<Row>({ text, values, rowMode: "array" })).rows;
  }

  #isNewer([siteId, agentId, ts]: Row): boolean {
    const before = this.#seen.get(siteId)?.get(agentId);
    return before === undefined || before.ts < ts;
  }

  #note(row: Row): void {
    if (!this.#isNewer(row)) return;
    const [siteId, agentId, ts, since, state, responseMs, responseCode, ...ids] = row;
    const [contextId, reasonId, connectionId] = ids;
    const site = this.#shared.get("sites", siteId)!;
    const context = this.#shared.get("contexts", contextId);
    const reason = this.#shared.get("reasons", reasonId);
    const agents = this.#seen.get(siteId) ?? new Map<number, Seen>();
    const before = agents.get(agentId);
    this.#seen.set(siteId, agents);
    this.#newest = Math.max(this.#newest, ts);
    agents.set(agentId, {
      siteId,
      name: site.name ?? site.url,
      url: site.url,
      agentId,
      agent: this.#shared.get("agents", agentId)!.uuid,
      location: context?.location ?? null,
      labels: context?.labels ?? null,
      siteLabels: context?.siteLabels ?? null,
      ts,
      since: before?.state === state ? before.since : since,
      state,
      responseMs,
      responseCode,
      reason: reason?.reason ?? null,
      errorMessage: reason?.errorMessage ?? null,
      frequency: context?.frequency ?? null,
      expiresAt: this.#shared.get("connections", connectionId)?.expiresAt ?? null,
    });
  }

  #rank(): void {
    const names = [...this.#seen].map(([id, agents]) =>
      [id, agents.values().next().value!.name] as const
    );
    names.sort(([, a], [, b]) => byName(a, b));
    this.#ranks = new Map(names.map(([id], n) => [id, n]));
  }

  /** @returns Sites of which another one is open than before */
  async #readIncidents(): Promise<Set<number>> {
    const { rows } = await this.#deps.pool.query(
      `SELECT DISTINCT ON (site_id) site_id, id::text, acknowledged_at IS NOT NULL AS "isAcknowledged",
         acknowledged_by AS "acknowledgedBy"
       FROM incidents WHERE closed_at IS NULL AND site_id IS NOT NULL
       ORDER BY site_id, severity, opened_at`,
    );
    const before = this.#incidents;
    this.#incidents = new Map(rows.map(({ site_id, ...incident }) => [site_id, incident]));
    const other = new Set([...before.keys()].filter((id) => !this.#incidents.has(id)));
    for (const [id, { id: incident, isAcknowledged }] of this.#incidents) {
      const old = before.get(id);
      if (old?.id !== incident || old.isAcknowledged !== isAcknowledged) other.add(id);
    }
    return new Set([...other].filter((id) => this.#seen.has(id)));
  }

  /** @returns The site, where it is another than before in what people look at */
  #judge(id: number, before: SiteNow | undefined): SiteNow | null {
    const seen = this.seenOf(id).toSorted((a, b) => b.ts - a.ts);
    const [newest] = seen as [Seen];
    const { state, since, by, fresh, down } = judge(seen, this.#deps.clock.now() + this.#aheadMs);
    const places = (some: readonly Seen[]) => [...new Set(some.map(placeOf))].sort();
    const site: SiteNow = {
      id,
      name: newest.name,
      rank: this.#ranks.get(id) ?? 0,
      url: newest.url,
      state,
      since,
      lastResult: newest.ts,
      agents: fresh.length,
      agentsDown: down.length,
      locations: places(seen),
      downFrom: places(down),
      responseMs: by.responseMs,
      responseCode: by.responseCode,
      reason: by.reason,
      errorMessage: by.errorMessage,
      certificateExpiresAt: seen.find(({ expiresAt }) => expiresAt !== null)?.expiresAt ?? null,
      frequency: newest.frequency,
      labels: newest.siteLabels ?? {},
      incident: this.#incidents.get(id) ?? null,
    };
    this.#byId.set(id, site);
    return before !== undefined && told(before) === told(site) ? null : site;
  }

  #tell(judged: readonly (SiteNow | null)[], ids: Iterable<number>): void {
    const changed = judged.filter((site) => site !== null);
    const heard = [...ids].map((id) => this.#byId.get(id)!);
    if (changed.length > 0) this.#revision++;
    for (const { id } of changed) this.#changedAt.set(id, this.#revision);
    if (changed.length + heard.length === 0) return;
    for (const listener of this.#listeners) listener({ changed, heard });
  }
}

function namedBy(rows: readonly Row[]): Named {
  return {
    sites: rows.map(([siteId]) => siteId),
    agents: rows.map(([, agentId]) => agentId),
    contexts: rows.map((row) => row[7]),
    reasons: rows.map((row) => row[8]),
    connections: rows.map((row) => row[9]),
  };
}

/** Where an agent stands, or its UUID. */
export function placeOf({ location, agent }: Pick<Seen, "location" | "agent">): string {
  return location ?? agent;
}

/** What of a site is worth telling when it changes. */
function told({ state, since, reason, downFrom, incident }: SiteNow): string {
  return `${state} ${since} ${reason} ${downFrom.length} ${incident?.id} ${incident?.isAcknowledged}`;
}

const collator = new Intl.Collator("en", { numeric: true });

/** The order of names as people have it: "site 9" before "site 10". */
export function byName(a: string, b: string): number {
  return collator.compare(a, b);
}

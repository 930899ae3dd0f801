import type { Pool } from "pg";
import { adviceFor } from "../../db/connect/advice.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { retryUntil } from "../../runtime/retry.ts";
import { MS } from "./sql.ts";
import { judge, type Seen, type State, STATES } from "./judge.ts";

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

export interface SitesDeps {
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

/** What an agent has said of its sites. */
export interface AgentSeen {
  lastResult: number;
  sites: number;
  states: Record<typeof STATES[number], number>;
  location: string | null;
  labels: Readonly<Record<string, string>>;
}

interface Context {
  location: string | null;
  agentLabels: Record<string, string>;
  labels: Record<string, string>;
  frequency: number | null;
}

/**
 * All sites as they are now: read at the start and each minute, and in between brought up to date from
 * the newest results, so that no page has to ask for it.
 */
export class Sites {
  readonly #deps: SitesDeps;
  readonly #listeners = new Set<(update: Update) => void>();
  #byId = new Map<number, SiteNow>();
  #seen = new Map<number, Map<number, Seen>>();
  #names = new Map<number, { name: string; url: string; rank: number }>();
  #agents = new Map<number, string>();
  #contexts = new Map<number, Context>();
  #reasons = new Map<number, { reason: string | null; errorMessage: string | null }>();
  #expiries = new Map<number, number | null>();
  #incidents = new Map<number, OpenIncident>();
  #newest = 0;
  /** How far the database's clock is ahead of ours. */
  #aheadMs = 0;
  #failingSince: number | null = null;
  #revision = 0;

  constructor(deps: SitesDeps) {
    this.#deps = deps;
  }

  /** Counts up with each change. */
  get revision(): number {
    return this.#revision;
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

  get(id: number): SiteNow | null {
    return this.#byId.get(id) ?? null;
  }

  /** Where an agent of a site stands, or its UUID. */
  placeOf(id: number, agentId: number): string {
    const context = this.#contexts.get(this.#seen.get(id)?.get(agentId)?.contextId ?? -1);
    return context?.location ?? this.#agents.get(agentId) ?? `agent ${agentId}`;
  }

  /** The last result of each agent of a site. */
  seenOf(id: number): readonly Seen[] {
    return [...this.#seen.get(id)?.values() ?? []];
  }

  /** What each agent has said last, of all sites. */
  byAgent(): Map<number, AgentSeen> {
    const agents = new Map<number, AgentSeen>();
    for (const seen of this.#seen.values()) {
      for (const { agentId, ts, state, contextId } of seen.values()) {
        let own = agents.get(agentId);
        if (!own) {
          const states = { up: 0, degraded: 0, down: 0, unknown: 0, maintenance: 0 };
          agents.set(
            agentId,
            own = { lastResult: 0, sites: 0, states, location: null, labels: {} },
          );
        }
        own.sites++;
        own.states[STATES[state]!]++;
        if (ts < own.lastResult) continue;
        const context = this.#contexts.get(contextId ?? -1);
        Object.assign(own, {
          lastResult: ts,
          location: context?.location ?? null,
          labels: context?.agentLabels ?? {},
        });
      }
    }
    return agents;
  }

  /** @returns What ends it */
  subscribe(listener: (update: Update) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads all sites anew. */
  async load(): Promise<void> {
    const { rows } = await this.#deps.pool.query(
      `SELECT site_id, agent_id, ${MS("ts")}, ${MS("since")}, state, response_ms, response_code,
         context_id, connection_id, reason_id, ${MS("now()", "now")}
       FROM httpmon_agents_see($1)`,
      [WITHIN],
    );
    this.#seen = new Map();
    if (rows.length > 0) this.#aheadMs = rows[0].now - this.#deps.clock.now();
    for (const row of rows) this.#note(row, row.since);
    // Only what is referred to now.
    for (const map of [this.#contexts, this.#reasons, this.#expiries]) map.clear();
    await this.#lookUp();
    await this.#readIncidents();
    const before = this.#byId;
    this.#byId = new Map();
    const changed = [...this.#seen.keys()].map((id) => this.#judge(id, before.get(id)));
    this.#tell({ changed: changed.filter((site) => site !== null), heard: [] });
  }

  /** Takes over what came since the last look. */
  async look(): Promise<void> {
    // An agent whose clock is ahead takes nobody else out of sight.
    const now = this.#deps.clock.now() + this.#aheadMs;
    const from = new Date(Math.min(this.#newest, now) - OVERLAP_MS);
    const { rows } = await this.#deps.pool.query(
      `SELECT site_id, agent_id, ${
        MS("ts")
      }, CASE WHEN maintenance THEN 4 ELSE verdict END AS state,
         response_time AS response_ms, response_code, context_id, connection_id, reason_id
       FROM check_results WHERE ts > $1 AND ts < $2 ORDER BY ts`,
      [from, new Date(now + 2 * DAY_MS)],
    );
    const heard = new Set<number>();
    for (const row of rows) if (this.#note(row)) heard.add(row.site_id);
    await this.#lookUp();
    const other = await this.#readIncidents();
    const changed = [...new Set([...heard, ...other])].map((id) =>
      this.#judge(id, this.#byId.get(id))
    );
    this.#tell({
      changed: changed.filter((site) => site !== null),
      heard: [...heard].map((id) => this.#byId.get(id)!),
    });
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

  /** @returns Whether it is newer than what was known */
  #note(row: Row, since?: number): boolean {
    const agents = this.#seen.get(row.site_id) ?? new Map<number, Seen>();
    const before = agents.get(row.agent_id);
    if (before !== undefined && before.ts >= row.ts) return false;
    this.#seen.set(row.site_id, agents);
    this.#newest = Math.max(this.#newest, row.ts);
    agents.set(row.agent_id, {
      agentId: row.agent_id,
      ts: row.ts,
      since: since ?? (before?.state === row.state ? before!.since : row.ts),
      state: row.state,
      responseMs: row.response_ms,
      responseCode: row.response_code,
      contextId: row.context_id,
      connectionId: row.connection_id,
      reasonId: row.reason_id,
    });
    return true;
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

  /** Reads the names and texts that are not known yet. */
  async #lookUp(): Promise<void> {
    const missing = {
      sites: new Set<number>(),
      agents: new Set<number>(),
      contexts: new Set<number>(),
      reasons: new Set<number>(),
      connections: new Set<number>(),
    };
    const need = (id: number | null, known: ReadonlyMap<number, unknown>, into: Set<number>) => {
      if (id !== null && !known.has(id)) into.add(id);
    };
    for (const [siteId, agents] of this.#seen) {
      need(siteId, this.#names, missing.sites);
      for (const { agentId, contextId, reasonId, connectionId } of agents.values()) {
        need(agentId, this.#agents, missing.agents);
        need(contextId, this.#contexts, missing.contexts);
        need(reasonId, this.#reasons, missing.reasons);
        need(connectionId, this.#expiries, missing.connections);
      }
    }
    const query = async (ids: ReadonlySet<number>, sql: string) =>
      ids.size === 0 ? [] : (await this.#deps.pool.query(sql, [[...ids]])).rows;
    const [names, agents, contexts, reasons, connections] = await Promise.all([
      query(
        missing.sites,
        "SELECT id, coalesce(name, url) AS name, url FROM sites WHERE id = ANY ($1)",
      ),
      query(missing.agents, "SELECT id, identity FROM agents WHERE id = ANY ($1)"),
      query(
        missing.contexts,
        "SELECT id, location, labels, site_labels, frequency FROM contexts WHERE id = ANY ($1)",
      ),
      query(missing.reasons, "SELECT id, reason, error_message FROM reasons WHERE id = ANY ($1)"),
      query(
        missing.connections,
        `SELECT id, ${MS("expires_at")} FROM connections WHERE id = ANY ($1)`,
      ),
    ]);
    for (const { id, name, url } of names) this.#names.set(id, { name, url, rank: 0 });
    if (names.length > 0) {
      const sorted = [...this.#names.values()].sort((a, b) => byName(a.name, b.name));
      sorted.forEach((one, n) => one.rank = n);
    }
    for (const { id, identity } of agents) this.#agents.set(id, identity);
    for (const { id, location, labels, site_labels, frequency } of contexts) {
      this.#contexts.set(id, {
        location,
        agentLabels: labels ?? {},
        labels: site_labels ?? {},
        frequency,
      });
    }
    for (const { id, reason, error_message } of reasons) {
      this.#reasons.set(id, { reason, errorMessage: error_message });
    }
    for (const { id, expires_at } of connections) this.#expiries.set(id, expires_at);
  }

  /** @returns The site, where it is another than before in what people look at */
  #judge(id: number, before: SiteNow | undefined): SiteNow | null {
    const seen = [...this.#seen.get(id)!.values()];
    const contextOf = ({ contextId }: Seen) => this.#contexts.get(contextId ?? -1) ?? null;
    const now = this.#deps.clock.now() + this.#aheadMs;
    const found = judge(seen, (one) => contextOf(one)?.frequency ?? null, now);
    const newest = seen.reduce((a, b) => b.ts > a.ts ? b : a);
    const places = (some: readonly Seen[]) =>
      [...new Set(some.map(({ agentId }) => this.placeOf(id, agentId)))].sort();
    const reason = this.#reasons.get(found.by.reasonId ?? -1);
    const connected = seen.toSorted((a, b) => b.ts - a.ts).find((one) => one.connectionId !== null);
    const site: SiteNow = {
      id,
      ...this.#names.get(id) ?? { name: String(id), url: "", rank: 0 },
      state: found.state,
      since: found.since,
      lastResult: newest.ts,
      agents: found.fresh.length,
      agentsDown: found.down.length,
      locations: places(seen),
      downFrom: places(found.down),
      responseMs: found.by.responseMs,
      responseCode: found.by.responseCode,
      reason: reason?.reason ?? null,
      errorMessage: reason?.errorMessage ?? null,
      certificateExpiresAt: this.#expiries.get(connected?.connectionId ?? -1) ?? null,
      frequency: contextOf(newest)?.frequency ?? null,
      labels: contextOf(newest)?.labels ?? {},
      incident: this.#incidents.get(id) ?? null,
    };
    this.#byId.set(id, site);
    const isSame = before !== undefined && before.state === site.state &&
      before.since === site.since && before.reason === site.reason &&
      before.downFrom.length === site.downFrom.length &&
      before.incident?.id === site.incident?.id &&
      before.incident?.isAcknowledged === site.incident?.isAcknowledged;
    return isSame ? null : site;
  }

  #tell(update: Update): void {
    if (update.changed.length > 0) this.#revision++;
    if (update.changed.length + update.heard.length === 0) return;
    for (const listener of this.#listeners) listener(update);
  }
}

interface Row {
  site_id: number;
  agent_id: number;
  ts: number;
  state: number;
  response_ms: number | null;
  response_code: number | null;
  context_id: number | null;
  connection_id: number | null;
  reason_id: number | null;
}

const collator = new Intl.Collator("en", { numeric: true });

/** The order of names as people have it: "site 9" before "site 10". */
export function byName(a: string, b: string): number {
  return collator.compare(a, b);
}

import type { Pool } from "pg";
import type { Clock } from "../../../runtime/clock.ts";
import { MS } from "../sql.ts";
import { Dimensions } from "./dimensions.ts";
import { isFresh, type Seen } from "./site_state.ts";

const DAY_MS = 86_400_000;
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

/** An agent of the last 26 hours. */
export interface AgentNow {
  /** Its last result. */
  last: Seen;
  /** Whether it says something of now. */
  isHeard: boolean;
  /** Its last result of each of its sites. */
  seen: Seen[];
}

/** The last result of each agent of each site, of the last 26 hours. */
export class LatestResults {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #dimensions: Dimensions;
  #bySite = new Map<number, Map<number, Seen>>();
  #newest = 0;
  /** How far the database's clock is ahead of ours. */
  #aheadMs = 0;

  constructor({ pool, clock }: { pool: Pool; clock: Clock }) {
    this.#pool = pool;
    this.#clock = clock;
    this.#dimensions = new Dimensions(pool);
  }

  /** By the database's clock. */
  now(): number {
    return this.#clock.now() + this.#aheadMs;
  }

  /** When the newest was made, 0 where there is none. */
  get newest(): number {
    return this.#newest;
  }

  /** Of which there are some. */
  get siteIds(): ReadonlySet<number> {
    return new Set(this.#bySite.keys());
  }

  of(siteId: number): readonly Seen[] {
    return [...this.#bySite.get(siteId)?.values() ?? []];
  }

  /** By their ids. */
  agents(): Map<number, AgentNow> {
    const now = this.now();
    const agents = new Map<number, AgentNow>();
    for (const byAgent of this.#bySite.values()) {
      for (const [id, one] of byAgent) {
        const agent = agents.get(id) ?? { last: one, isHeard: false, seen: [] };
        if (one.ts > agent.last.ts) agent.last = one;
        agent.isHeard ||= isFresh(one, now);
        agent.seen.push(one);
        agents.set(id, agent);
      }
    }
    return agents;
  }

  /** Reads all anew. */
  async load(): Promise<void> {
    const before = this.#clock.now();
    const { rows: [{ now }] } = await this.#pool.query(`SELECT ${MS("now()", "now")}`);
    this.#aheadMs = now - before;
    const rows = await this.#read(
      `SELECT ${columns("since", "state", "response_ms")} FROM httpmon_agents_see($1) AS r`,
      [WITHIN],
    );
    await this.#dimensions.know(namedBy(rows), { only: true });
    this.#bySite = new Map();
    for (const row of rows) this.#note(row);
  }

  /** Takes over what came since. @returns The sites of it */
  async look(): Promise<ReadonlySet<number>> {
    // An agent whose clock is ahead takes nobody else out of sight.
    const now = this.now();
    const from = new Date(Math.min(this.#newest, now) - OVERLAP_MS);
    const rows = await this.#read(
      `SELECT ${columns("ts", "CASE WHEN maintenance THEN 4 ELSE verdict END", "response_time")}
       FROM check_results AS r WHERE ts > $1 AND ts < $2 ORDER BY ts`,
      [from, new Date(now + 2 * DAY_MS)],
    );
    // Most of them were there at the last look.
    const newer = rows.filter((row) => this.#isNewer(row));
    await this.#dimensions.know(namedBy(newer));
    for (const row of newer) this.#note(row);
    return new Set(newer.map(([siteId]) => siteId));
  }

  /** As arrays: objects of as many rows would take longer than the database does. */
  async #read(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.#pool.query<Row>({ text, values, rowMode: "array" })).rows;
  }

  #isNewer([siteId, agentId, ts]: Row): boolean {
    const before = this.#bySite.get(siteId)?.get(agentId);
    return before === undefined || before.ts < ts;
  }

  #note(row: Row): void {
    if (!this.#isNewer(row)) return;
    const [siteId, agentId, ts, since, state, responseMs, responseCode, ...ids] = row;
    const [contextId, reasonId, connectionId] = ids;
    const { name, url } = this.#dimensions.get("sites", siteId)!;
    const context = this.#dimensions.get("contexts", contextId);
    const reason = this.#dimensions.get("reasons", reasonId);
    const byAgent = this.#bySite.get(siteId) ?? new Map<number, Seen>();
    const before = byAgent.get(agentId);
    this.#bySite.set(siteId, byAgent);
    this.#newest = Math.max(this.#newest, ts);
    byAgent.set(agentId, {
      name: name ?? url,
      url,
      agentId,
      agent: this.#dimensions.get("agents", agentId)!.uuid,
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
      expiresAt: this.#dimensions.get("connections", connectionId)?.expiresAt ?? null,
    });
  }
}

function namedBy(rows: readonly Row[]) {
  return {
    sites: rows.map(([siteId]) => siteId),
    agents: rows.map(([, agentId]) => agentId),
    contexts: rows.map((row) => row[7]),
    reasons: rows.map((row) => row[8]),
    connections: rows.map((row) => row[9]),
  };
}

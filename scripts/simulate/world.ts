import type { SitePolicy } from "../../alerts/state/book.ts";
import { Overview } from "../../alerts/state/overview.ts";
import type { AgentState, Spell } from "../../alerts/state/agent.ts";
import type { Change } from "../../alerts/state/change.ts";
import type { SiteState } from "../../alerts/state/site.ts";
import { signOf, type Signs } from "../../alerts/state/signs.ts";
import type { AlertEvent } from "../../alerts/state/view.ts";
import {
  hear,
  NEW_VOTES,
  type Observation,
  pass,
  type SiteVotes,
} from "../../alerts/state/votes.ts";

/** What a world is made of. */
export interface WorldOptions {
  policyOf(site: number): SitePolicy;
  /** @default 1 */
  partitions?: number;
  spells?: readonly Spell[];
}

/**
 * All that alerters do with results, without Kafka and PostgreSQL: the state machine in memory, told of
 * records and of time in whatever order a caller likes.
 */
export class World {
  readonly changes: Change[] = [];
  readonly #options: WorldOptions;
  readonly #votes = new Map<number, SiteVotes>();
  readonly #clocks: { at: number; agents: Signs }[];
  #events: AlertEvent[] = [];
  #overview: Overview;
  /** What is in the tables, as JSON. */
  readonly #sites = new Map<number, string>();
  readonly #agents = new Map<string, string>();

  constructor(options: WorldOptions) {
    this.#options = options;
    const { partitions = 1 } = options;
    this.#clocks = Array.from({ length: partitions }, () => ({ at: 0, agents: {} }));
    this.#overview = this.#load(0);
  }

  #load(now: number): Overview {
    const { policyOf, spells = [] } = this.#options;
    const sites = [...this.#sites].map(([id, json]) =>
      [id, JSON.parse(json)] as [number, SiteState]
    );
    const agents = [...this.#agents].map(([uuid, json]) =>
      [uuid, JSON.parse(json)] as [string, AgentState]
    );
    return new Overview({ now, sites, agents }, { policyOf, spells });
  }

  site(id: number): SiteState | null {
    return JSON.parse(this.#sites.get(id) ?? "null");
  }

  agent(uuid: string): AgentState | null {
    return JSON.parse(this.#agents.get(uuid) ?? "null");
  }

  level(site: number): SiteState["level"] {
    return this.site(site)?.level ?? null;
  }

  /** Another alerter takes the rounds over. */
  restart(): void {
    this.#overview = this.#load(this.#overview.now);
  }

  /** An alerter reads a record. */
  read(result: Observation, partition = 0): void {
    const { site } = result;
    const clock = this.#clocks[partition]!;
    const observation = { ...result, at: clock.at = Math.max(clock.at, result.at) };
    const sign = signOf(observation, clock.agents);
    if (sign !== null) this.#events.push(sign);
    const { votes, events } = hear(
      this.#votes.get(site) ?? NEW_VOTES,
      observation,
      this.#options.policyOf(site),
    );
    this.#votes.set(site, votes);
    this.#events.push(...events);
  }

  /** A partition is found read to its end. */
  idle(partition: number, at: number): void {
    const clock = this.#clocks[partition]!;
    clock.at = Math.max(clock.at, at);
  }

  /** An alerter decides on what all partitions have told. */
  round(): void {
    const until = Math.min(...this.#clocks.map(({ at }) => at));
    for (const [site, votes] of this.#votes) {
      const passed = pass(site, votes, until);
      this.#votes.set(site, passed.votes);
      this.#events.push(...passed.events);
    }
    const due = this.#events.filter(({ at }) => at < until).sort(inOrder);
    this.#events = this.#events.filter(({ at }) => at >= until);
    for (const event of due) this.#overview.take(event);
    this.#overview.passTo(until);
    const { changes, sites, agents } = this.#overview.changes();
    this.changes.push(...changes);
    save(this.#sites, sites);
    save(this.#agents, agents);
  }
}

function save<Key>(table: Map<Key, string>, states: ReadonlyMap<Key, unknown>): void {
  for (const [key, state] of states) {
    if (state === null) table.delete(key);
    else table.set(key, JSON.stringify(state));
  }
}

/** The order of alert_events's key. */
function inOrder(one: AlertEvent, other: AlertEvent): number {
  return one.at - other.at || compare(one.kind, other.kind) || one.site - other.site ||
    compare(one.agent, other.agent) || one.ts - other.ts;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

import { Overview, type SitePolicy } from "../../alerts/state/overview.ts";
import type { Spell } from "../../alerts/state/agent.ts";
import type { Change } from "../../alerts/state/change.ts";
import { type AlertEvent, SEEN_MS } from "../../alerts/state/view.ts";
import {
  hear,
  NEW_VOTES,
  type Observation,
  pass,
  type SiteVotes,
} from "../../alerts/state/votes.ts";
import type { AlertRules } from "../../config/types.ts";

/** A site's result in a topic's partition. */
export interface SiteResult extends Observation {
  site: number;
}

/** What a world is made of. */
export interface WorldOptions {
  rulesOf(site: number): AlertRules;
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
  readonly #clocks: { at: number; agents: Map<string, number> }[];
  #events: AlertEvent[] = [];
  #overview: Overview;
  #levels = new Map<number, string | null>();

  constructor(options: WorldOptions) {
    this.#options = options;
    const { partitions = 1, policyOf, spells = [] } = options;
    this.#clocks = Array.from({ length: partitions }, () => ({ at: 0, agents: new Map() }));
    this.#overview = new Overview({ now: 0, sites: [], agents: [] }, { policyOf, spells });
  }

  level(site: number): string | null {
    return this.#levels.get(site) ?? null;
  }

  /** An alerter reads a record. */
  read({ site, ...result }: SiteResult, partition = 0): void {
    const clock = this.#clocks[partition]!;
    const at = clock.at = Math.max(clock.at, result.at);
    const { agent, ts } = result;
    if (at - (clock.agents.get(agent) ?? 0) >= SEEN_MS) {
      clock.agents.set(agent, at);
      this.#events.push({ kind: "seen", at, ts, agent });
    }
    const { votes, events } = hear(
      this.#votes.get(site) ?? NEW_VOTES,
      { ...result, at },
      this.#options.rulesOf(site),
    );
    this.#votes.set(site, votes);
    for (const event of events) this.#events.push({ ...event, site });
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
      const passed = pass(votes, until);
      this.#votes.set(site, passed.votes);
      for (const event of passed.events) this.#events.push({ ...event, site });
    }
    const due = this.#events.filter(({ at }) => at < until).sort(inOrder);
    this.#events = this.#events.filter(({ at }) => at >= until);
    for (const event of due) this.#overview.take(event);
    this.#overview.passTo(until);
    const { changes, sites } = this.#overview.changes();
    this.changes.push(...changes);
    for (const [site, state] of sites) this.#levels.set(site, state?.level ?? null);
  }
}

/** The order of alert_events's key. */
function inOrder(one: AlertEvent, other: AlertEvent): number {
  const site = (event: AlertEvent) => "site" in event ? event.site : 0;
  return one.at - other.at || compare(one.kind, other.kind) || site(one) - site(other) ||
    compare(one.agent, other.agent) || one.ts - other.ts;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

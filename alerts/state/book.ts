import type { AlertRules } from "../../config/types.ts";
import { type Agent, type AgentState, newAgent, type Spell } from "./agent.ts";
import type { Change, Evidence, IncidentKey, Severity, Subject } from "./change.ts";
import { newSite, type SiteState } from "./site.ts";
import { Timers } from "./timers.ts";
import type { Moment } from "./view.ts";
import type { CountRules } from "./votes.ts";

/** What the config says of a site. */
export interface SitePolicy extends AlertRules, CountRules {
  /** Whether it is to be watched; what is not in the config any more, nobody misses. */
  isExpected: boolean;
  host: string;
  /** Sites that it depends on. */
  parents: readonly number[];
  /** Those that depend on it. */
  children: readonly number[];
}

/** What became of all; a state that is null is forgotten. */
export interface Changes {
  changes: Change[];
  sites: Map<number, SiteState | null>;
  agents: Map<string, AgentState | null>;
}

/** All that is known of sites and agents, what is due, and what changed. */
export class Book {
  readonly timers = new Timers();
  readonly sites = new Map<number, SiteState>();
  readonly agents = new Map<string, Agent>();
  /** In which nobody could be heard, the first one first. */
  readonly spells: Spell[];
  readonly policyOf: (site: number) => SitePolicy;
  now: number;
  #changes: Change[] = [];
  #sites = new Set<number>();
  #agents = new Set<string>();

  constructor(now: number, spells: readonly Spell[], policyOf: Book["policyOf"]) {
    this.now = now;
    this.spells = [...spells];
    this.policyOf = policyOf;
  }

  moment(): Moment {
    return { at: this.now, ts: this.now * 1_000 };
  }

  /** Notes that a site changes, and gives it; a new one where nothing is known of it. */
  site(id: number): SiteState {
    this.#sites.add(id);
    if (!this.sites.has(id)) this.sites.set(id, newSite());
    return this.sites.get(id)!;
  }

  /** The same of an agent. */
  agent(uuid: string): Agent {
    this.#agents.add(uuid);
    if (!this.agents.has(uuid)) this.agents.set(uuid, newAgent(this.now));
    return this.agents.get(uuid)!;
  }

  subject(uuid: string): Subject {
    return { agent: uuid, location: this.agents.get(uuid)!.state.location };
  }

  open(key: IncidentKey, severity: Severity, cause: string, evidence: Evidence[] = []): void {
    this.#changes.push({ what: "opened", ...key, at: this.now, severity, cause, evidence });
  }

  /** @param closedAt Microseconds since 1970 */
  resolve(key: IncidentKey, closedAt = this.now * 1_000): void {
    const after = Math.max(closedAt, key.openedAt);
    this.#changes.push({ what: "resolved", ...key, at: this.now, closedAt: after });
  }

  flap(key: IncidentKey, isFlapping: boolean): void {
    this.#changes.push({ what: "flapping", ...key, at: this.now, isFlapping });
  }

  /** What became of all since the last call. */
  takeChanges(): Changes {
    const taken = {
      changes: this.#changes,
      sites: new Map([...this.#sites].map((id) => [id, this.sites.get(id) ?? null])),
      agents: new Map(
        [...this.#agents].map((uuid) => [uuid, this.agents.get(uuid)?.state ?? null]),
      ),
    };
    this.#changes = [];
    this.#sites = new Set();
    this.#agents = new Set();
    return taken;
  }
}

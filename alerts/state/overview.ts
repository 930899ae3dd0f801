import type { AlertRules } from "../../config/types.ts";
import { Agent, type AgentState, newAgent, type Spell } from "./agent.ts";
import type { Change, Evidence, Kind, Severity, Subject } from "./change.ts";
import { decide, evidenceOf, newSite, type SiteState, votersOf } from "./site.ts";
import { Timers } from "./timers.ts";
import type { AlertEvent, Moment, View } from "./view.ts";

/** What the config says of a site. */
export interface SitePolicy {
  downWhen: AlertRules["downWhen"];
  /** Whether it is to be watched; what is not in the config any more, nobody misses. */
  isExpected: boolean;
}

/** All that is kept between rounds. */
export interface Known {
  /** The time up to which all is decided, milliseconds since 1970. */
  now: number;
  sites: Iterable<[number, SiteState]>;
  agents: Iterable<[string, AgentState]>;
}

/** An agent that was silent for so long is no agent any more. */
const FORGET_MS = 7 * 86_400_000;
/** What a site remembers of agents that left it. */
const LEFT_MS = 86_400_000;

const SEVERITIES = {
  down: "critical",
  degraded: "warning",
  unobserved: "warning",
} as const;

/**
 * What incidents there are, of all sites and agents. It is told what the votes made known, in the order
 * of their time, and how far time has come: the same events always give the same changes, whenever they
 * are told, and by whomever. docs/alerts.md has the rules in prose.
 */
export class Overview {
  now: number;
  readonly #sites: Map<number, SiteState>;
  readonly #agents: Map<string, Agent>;
  readonly #timers = new Timers();
  readonly #policyOf: (site: number) => SitePolicy;
  /** In which nobody could be heard, the first one first. */
  readonly #spells: Spell[];
  #changes: Change[] = [];
  #changedSites = new Set<number>();
  #changedAgents = new Set<string>();

  constructor(
    known: Known,
    { policyOf, spells }: {
      policyOf(site: number): SitePolicy;
      spells: readonly Spell[];
    },
  ) {
    this.now = known.now;
    this.#policyOf = policyOf;
    this.#spells = [...spells];
    this.#sites = new Map(known.sites);
    this.#agents = new Map([...known.agents].map(([uuid, state]) => [uuid, new Agent(state)]));
    const moment = { at: known.now, ts: known.now * 1_000 };
    for (const [id, { agents, leftAt, open }] of this.#sites) {
      for (const [uuid, { view }] of Object.entries(agents)) {
        const agent = this.#agents.get(uuid);
        agent?.sees(null, view);
        if (leftAt !== null && open?.kind !== "unobserved") agent?.waiting.add(id);
      }
      // Since then the config may have lost it.
      if (leftAt !== null && !policyOf(id).isExpected) this.#leave(id, this.#site(id), moment);
    }
    for (const uuid of this.#agents.keys()) this.#wake(uuid);
  }

  /** The topic was out of reach, and what agents did not say in that time says nothing of them. */
  blind(spell: Spell): void {
    this.#spells.push(spell);
  }

  /** Takes an event; none before may be later. */
  take(event: AlertEvent): void {
    this.passTo(event.at);
    // Of a partition that was left behind: it is heard of only now.
    const moment = { at: this.now, ts: event.ts };
    if (event.kind === "seen") this.#seen(event.agent, moment);
    else this.#see(event.site, event.agent, event.view, moment);
  }

  /** Does what is due before `at`. */
  passTo(at: number): void {
    for (let next = this.#timers.next(at); next; next = this.#timers.next(at)) {
      this.now = Math.max(this.now, next.due);
      this.#lookAt(next.key);
    }
    this.now = Math.max(this.now, at);
  }

  /** What became of all since the last call; null: it is forgotten. */
  changes() {
    const taken = {
      changes: this.#changes,
      sites: new Map([...this.#changedSites].map((id) => [id, this.#sites.get(id) ?? null])),
      agents: new Map(
        [...this.#changedAgents].map((uuid) => [uuid, this.#agents.get(uuid)?.state ?? null]),
      ),
    };
    this.#changes = [];
    this.#changedSites = new Set();
    this.#changedAgents = new Set();
    return taken;
  }

  #site(id: number): SiteState {
    let site = this.#sites.get(id);
    if (!site) this.#sites.set(id, site = newSite());
    this.#changedSites.add(id);
    return site;
  }

  #agent(uuid: string, at: number): Agent {
    let agent = this.#agents.get(uuid);
    if (!agent) {
      this.#agents.set(uuid, agent = newAgent(at));
      this.#wake(uuid);
    }
    this.#changedAgents.add(uuid);
    return agent;
  }

  #seen(uuid: string, { at }: Moment): void {
    const agent = this.#agent(uuid, at);
    agent.heard(at);
    const { silentSince } = agent.state;
    if (silentSince !== null) {
      this.#resolve({ agent: uuid }, "agent_silent", silentSince, at * 1_000);
      agent.state.silentSince = null;
    }
    this.#wake(uuid);
    for (const id of agent.waiting) this.#missSite(id);
  }

  #see(id: number, uuid: string, view: View | null, moment: Moment): void {
    const site = this.#site(id);
    const agent = this.#agent(uuid, moment.at);
    const before = site.agents[uuid];
    if (!before) this.#dropLeft(site);
    const freshMs = (view ?? before)?.freshMs ?? 0;
    site.agents[uuid] = { view, at: moment.at, freshMs };
    agent.sees(before?.view ?? null, view);
    this.#wake(uuid);
    if (!Object.values(site.agents).some(({ view }) => view?.watches)) {
      if (site.leftAt === null) this.#leave(id, site, moment);
      return;
    }
    site.leftAt = null;
    this.#blameNobody(id, site);
    // Who abstains decides nothing, not even by being away.
    if (view?.abstains === null) this.#settle(id, site, moment);
  }

  /** Those that left it long ago, and were not silent, say nothing of it any more. */
  #dropLeft({ agents }: SiteState): void {
    for (const [uuid, { view, at }] of Object.entries(agents)) {
      if (view !== null || this.now - at <= LEFT_MS) continue;
      if ((this.#agents.get(uuid)?.state.silentSince ?? null) === null) delete agents[uuid];
    }
  }

  #settle(id: number, site: SiteState, moment: Moment): void {
    const votes = votersOf(site);
    if (votes.length === 0) return;
    const was = site.open?.kind === "down" ? "down" : site.level;
    const level = decide(was, votes, this.#policyOf(id).downWhen);
    if (level === null || level === "unobserved") return;
    site.level = level;
    if (level === site.open?.kind) return;
    this.#close(id, site, moment);
    if (level !== "up") this.#open(id, site, level, evidenceOf(votes, level), moment);
  }

  /** Nobody watches it any more. An incident stays open until somebody says how it is. */
  #leave(id: number, site: SiteState, moment: Moment): void {
    if (!this.#policyOf(id).isExpected) {
      this.#close(id, site, moment);
      this.#sites.delete(id);
      return;
    }
    site.leftAt = moment.at;
    site.level = "unobserved";
    for (const uuid of Object.keys(site.agents)) this.#agents.get(uuid)?.waiting.add(id);
  }

  /** Opens where it is no agent's silence that nobody watches it: each was there all the time. */
  #missSite(id: number): void {
    const site = this.#sites.get(id)!;
    if (site.open !== null) return;
    let since = site.leftAt!;
    for (const [uuid, { freshMs, view, at }] of Object.entries(site.agents)) {
      const agent = this.#agents.get(uuid);
      if (!agent || view === null && this.now - at > LEFT_MS && agent.state.silentSince === null) {
        continue;
      }
      since = Math.max(since, agent.state.resumedAt + freshMs);
      if (agent.state.silentSince !== null || agent.state.seenAt <= since) return;
    }
    this.#blameNobody(id, site);
    this.#changedSites.add(id);
    this.#open(id, site, "unobserved", [], { at: since, ts: since * 1_000 });
  }

  #blameNobody(id: number, site: SiteState): void {
    for (const uuid of Object.keys(site.agents)) this.#agents.get(uuid)?.waiting.delete(id);
  }

  #open(
    id: number,
    site: SiteState,
    kind: "down" | "degraded" | "unobserved",
    evidence: Evidence[],
    { ts }: Moment,
  ): void {
    const cause = kind === "unobserved" ? "No agent says how it is" : evidence.at(-1)?.cause ?? "";
    site.open = { kind, openedAt: ts };
    this.#opened({ site: id }, kind, ts, SEVERITIES[kind], cause, evidence);
  }

  #close(id: number, site: SiteState, { ts }: Moment): void {
    if (site.open === null) return;
    this.#resolve({ site: id }, site.open.kind, site.open.openedAt, ts);
    site.open = null;
  }

  #opened(
    subject: Subject,
    kind: Kind,
    openedAt: number,
    severity: Severity,
    cause: string,
    evidence: Evidence[],
  ): void {
    const at = this.now;
    this.#changes.push({ what: "opened", subject, kind, openedAt, at, severity, cause, evidence });
  }

  #resolve(subject: Subject, kind: Kind, openedAt: number, closedAt: number): void {
    this.#changes.push({
      what: "resolved",
      subject,
      kind,
      openedAt,
      closedAt: Math.max(closedAt, openedAt),
      at: this.now,
    });
  }

  #wake(uuid: string): void {
    const agent = this.#agents.get(uuid)!;
    const { silentSince, seenAt } = agent.state;
    const due = silentSince === null ? agent.silentAt(this.#spells) : seenAt + FORGET_MS;
    this.#timers.wake(uuid, due);
  }

  #lookAt(uuid: string): void {
    const agent = this.#agents.get(uuid);
    if (!agent) return;
    const { silentSince, seenAt } = agent.state;
    if (silentSince === null && agent.silentAt(this.#spells) <= this.now) {
      this.#silence(uuid, agent);
    } else if (silentSince !== null && seenAt + FORGET_MS <= this.now) {
      return this.#forget(uuid, agent);
    }
    this.#wake(uuid);
  }

  #silence(uuid: string, agent: Agent): void {
    const openedAt = this.now * 1_000;
    const alone = [...this.#sites.values()].filter(({ agents }) => {
      const others = Object.entries(agents).filter(([other]) => other !== uuid);
      return agents[uuid] && !others.some(([, { view }]) => view?.watches);
    }).length;
    const cause = alone === 0
      ? "It sends nothing; others watch its sites"
      : `It sends nothing; nobody else watches ${alone} of its sites`;
    this.#changedAgents.add(uuid);
    agent.state.silentSince = openedAt;
    this.#opened(
      { agent: uuid },
      "agent_silent",
      openedAt,
      alone > 0 ? "critical" : "warning",
      cause,
      [],
    );
  }

  #forget(uuid: string, { state, waiting }: Agent): void {
    this.#resolve({ agent: uuid }, "agent_silent", state.silentSince!, this.now * 1_000);
    this.#agents.delete(uuid);
    this.#changedAgents.add(uuid);
    for (const id of waiting) {
      const site = this.#site(id);
      delete site.agents[uuid];
      if (Object.keys(site.agents).length > 0) continue;
      this.#close(id, site, { at: this.now, ts: this.now * 1_000 });
      this.#sites.delete(id);
    }
  }
}

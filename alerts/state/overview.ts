import type { AlertRules } from "../../config/types.ts";
import { Agent, type AgentState, newAgent, type Spell } from "./agent.ts";
import type { Change, Evidence, Kind, Severity, Subject } from "./change.ts";
import { holdUntil, recoveryMs } from "./hold.ts";
import { isOver, lostTogether, type Strange, strangeTo, TOGETHER_MS } from "./network.ts";
import { decide, evidenceOf, newSite, type SiteState, votersFor, votersOf } from "./site.ts";
import { Timers } from "./timers.ts";
import type { AlertEvent, Moment, View } from "./view.ts";

/** What the config says of a site. */
export interface SitePolicy extends AlertRules {
  /** Whether it is to be watched; what is not in the config any more, nobody misses. */
  isExpected: boolean;
  host: string;
  /** Sites that it depends on. */
  parents: readonly number[];
  /** Those that depend on it. */
  children: readonly number[];
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
/** An agent that has lost many sites is asked about them no more often. */
const CHECK_MS = 1_000;
const MANY = 100;

const SEVERITIES = { down: "critical", degraded: "warning", unobserved: "warning" } as const;

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
    for (const [id, site] of this.#sites) {
      for (const [uuid, { view }] of Object.entries(site.agents)) {
        const agent = this.#agents.get(uuid);
        agent?.sees(id, null, view);
        if (site.leftAt !== null && site.open?.kind !== "unobserved") agent?.waiting.add(id);
        if (site.wanted) agent?.held.add(id);
      }
      if (site.wanted) this.#timers.wake(siteKey(id), site.wanted.until);
      // Since then the config may have lost it.
      if (site.leftAt !== null && !policyOf(id).isExpected) this.#leave(id, this.#site(id));
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
    if (event.kind === "view") this.#see(event.site, event.agent, event.view, moment);
    else this.#hear(event.agent, event.kind === "well");
  }

  /** Does what is due before `at`. */
  passTo(at: number): void {
    for (let next = this.#timers.next(at); next; next = this.#timers.next(at)) {
      this.now = Math.max(this.now, next.due);
      const [kind, id] = [next.key[0], next.key.slice(1)];
      if (kind === "a") this.#lookAtAgent(id);
      else this.#lookAtSite(Number(id));
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

  #moment(): Moment {
    return { at: this.now, ts: this.now * 1_000 };
  }

  /** A site, which changes. */
  #site(id: number): SiteState {
    let site = this.#sites.get(id);
    if (!site) this.#sites.set(id, site = newSite());
    this.#changedSites.add(id);
    return site;
  }

  /** An agent, which changes. */
  #agent(uuid: string): Agent {
    let agent = this.#agents.get(uuid);
    if (!agent) this.#agents.set(uuid, agent = newAgent(this.now));
    this.#changedAgents.add(uuid);
    return agent;
  }

  #hear(uuid: string, isWell: boolean): void {
    const agent = this.#agent(uuid);
    agent.heard(this.now, isWell);
    const { silentSince } = agent.state;
    if (silentSince !== null) {
      this.#resolve(this.#subject(uuid), "agent_silent", silentSince, this.now * 1_000);
      agent.state.silentSince = null;
    }
    this.#wake(uuid);
    for (const id of agent.waiting) this.#miss(id);
    if (isWell) { for (const id of agent.held) this.#settle(id, this.#site(id), this.#moment()); }
    this.#checkNetwork(uuid);
  }

  #see(id: number, uuid: string, view: View | null, moment: Moment): void {
    const site = this.#site(id);
    const agent = this.#agent(uuid);
    const before = site.agents[uuid];
    if (!before) this.#dropLeft(site);
    const freshMs = (view ?? before)?.freshMs ?? 0;
    site.agents[uuid] = { view, at: moment.at, freshMs };
    agent.sees(id, before?.view ?? null, view);
    this.#wake(uuid);
    // Who abstains decides nothing, not even by being away.
    this.#review(id, site, moment, view !== null && view.abstains === null);
    this.#checkNetwork(uuid);
    for (const other in site.agents) {
      if (other !== uuid && site.agents[other]!.view?.lost?.isTurned) this.#checkNetwork(other);
    }
    this.#tellDependants(id);
  }

  /** Those that left it long ago, and were not silent, say nothing of it any more. */
  #dropLeft({ agents }: SiteState): void {
    for (const [uuid, { view, at }] of Object.entries(agents)) {
      if (view !== null || this.now - at <= LEFT_MS) continue;
      if ((this.#agents.get(uuid)?.state.silentSince ?? null) === null) delete agents[uuid];
    }
  }

  /** What an agent sees that sees most sites down, and is alone with it, is not believed. */
  #counts = (uuid: string, { vote, abstains, lost }: View): boolean =>
    !this.#agents.get(uuid)?.state.networkSince ||
    abstains === "maintenance" || vote === "up" && lost === null;

  #review(id: number, site: SiteState, moment: Moment, hasSay: boolean): void {
    const isWatched = Object.entries(site.agents)
      .some(([uuid, { view }]) => view?.watches && this.#counts(uuid, view));
    if (!isWatched) {
      if (site.leftAt === null) this.#leave(id, site);
      return;
    }
    site.leftAt = null;
    for (const uuid in site.agents) this.#agents.get(uuid)?.waiting.delete(id);
    if (hasSay) this.#settle(id, site, moment);
  }

  #settle(id: number, site: SiteState, moment: Moment): void {
    const votes = votersOf(site, this.#counts);
    if (votes.length === 0) return this.#drop(id, site);
    const policy = this.#policyOf(id);
    const was = site.open?.kind === "down" ? "down" : site.level;
    const level = decide(was, votes, policy.downWhen);
    if (level === null || level === "unobserved") return this.#drop(id, site);
    if (level === "up" || level === site.open?.kind) {
      this.#drop(id, site);
      site.isExcused = false;
      site.level = level;
      if (level === "up") this.#close(id, site, moment);
      return;
    }
    if (policy.parents.some((parent) => this.#sites.get(parent)?.level === "down")) {
      this.#drop(id, site);
      site.isExcused = true;
      site.level = level;
      return;
    }
    const voters = votersFor(votes, level);
    if (site.isExcused) {
      site.isExcused = false;
      const until = this.now + recoveryMs(voters, policy);
      site.wanted = { level, at: this.now, ts: until * 1_000, until, isAfter: true };
    } else if (site.wanted?.level !== level) {
      site.wanted = { level, ...moment, until: 0, isAfter: false };
    }
    const wanted = site.wanted!;
    if (!wanted.isAfter) {
      for (const { agent, lost } of voters) if (lost?.isTurned) this.#checkNetwork(agent);
      // Which may have settled it.
      if (site.wanted !== wanted) return;
      wanted.until = holdUntil(wanted, voters, policy, {
        sites: this.#sites,
        agents: this.#agents,
        policyOf: this.#policyOf,
      });
    }
    if (this.now < wanted.until) {
      for (const { agent } of voters) this.#agents.get(agent)!.held.add(id);
      return this.#timers.wake(siteKey(id), wanted.until);
    }
    this.#drop(id, site);
    this.#close(id, site, moment);
    site.level = level;
    const evidence = evidenceOf(voters);
    this.#open(id, site, level, evidence.at(-1)!.cause, wanted.ts, evidence);
  }

  /** What it was to open is not wanted any more. */
  #drop(id: number, site: SiteState): void {
    if (site.wanted === null) return;
    site.wanted = null;
    for (const uuid in site.agents) this.#agents.get(uuid)?.held.delete(id);
  }

  #tellDependants(id: number): void {
    for (const child of this.#policyOf(id).children) {
      const site = this.#sites.get(child);
      if (!site || site.wanted === null && !site.isExcused) continue;
      this.#settle(child, this.#site(child), this.#moment());
      this.#tellDependants(child);
    }
  }

  #lookAtSite(id: number): void {
    const { wanted } = this.#sites.get(id) ?? newSite();
    if (wanted === null) return;
    if (this.now < wanted.until) return this.#timers.wake(siteKey(id), wanted.until);
    this.#settle(id, this.#site(id), this.#moment());
    this.#tellDependants(id);
  }

  /** Nobody watches it any more. An incident stays open until somebody says how it is. */
  #leave(id: number, site: SiteState): void {
    this.#drop(id, site);
    if (!this.#policyOf(id).isExpected) {
      this.#close(id, site, this.#moment());
      this.#sites.delete(id);
      return;
    }
    site.leftAt = this.now;
    site.level = "unobserved";
    site.isExcused = false;
    for (const uuid in site.agents) this.#agents.get(uuid)?.waiting.add(id);
  }

  /** Opens where it is no agent's trouble that nobody watches it: each was there all the time. */
  #miss(id: number): void {
    const site = this.#sites.get(id)!;
    if (site.open !== null) return;
    let since = site.leftAt!;
    for (const [uuid, { freshMs, view, at }] of Object.entries(site.agents)) {
      const state = this.#agents.get(uuid)?.state;
      if (!state || view === null && this.now - at > LEFT_MS && state.silentSince === null) {
        continue;
      }
      if (view?.lost) this.#checkNetwork(uuid, true);
      if (state.silentSince !== null || state.networkSince !== null) return;
      since = Math.max(since, state.resumedAt + freshMs);
      if (state.seenAt <= since) return;
    }
    for (const uuid in site.agents) this.#agents.get(uuid)?.waiting.delete(id);
    this.#changedSites.add(id);
    this.#open(id, site, "unobserved", "No agent says how it is", since * 1_000, []);
  }

  #open(
    id: number,
    site: SiteState,
    kind: keyof typeof SEVERITIES,
    cause: string,
    openedAt: number,
    evidence: Evidence[],
  ): void {
    site.open = { kind, openedAt };
    this.#opened({ site: id }, kind, openedAt, SEVERITIES[kind], cause, evidence);
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

  #subject(uuid: string): Subject {
    return { agent: uuid, location: this.#agents.get(uuid)!.state.location };
  }

  #wake(uuid: string): void {
    const agent = this.#agents.get(uuid)!;
    const { silentSince, seenAt } = agent.state;
    const due = silentSince === null ? agent.silentAt(this.#spells) : seenAt + FORGET_MS;
    this.#timers.wake(`a${uuid}`, due);
  }

  #lookAtAgent(uuid: string): void {
    const agent = this.#agents.get(uuid);
    if (!agent) return;
    const { silentSince, seenAt } = agent.state;
    if (silentSince === null && agent.silentAt(this.#spells) <= this.now) this.#silence(uuid);
    else if (silentSince !== null && seenAt + FORGET_MS <= this.now) return this.#forget(uuid);
    this.#wake(uuid);
  }

  #silence(uuid: string): void {
    const openedAt = this.now * 1_000;
    const alone = [...this.#sites.values()].filter(({ agents }) =>
      agents[uuid] &&
      !Object.entries(agents).some(([other, { view }]) => other !== uuid && view?.watches)
    ).length;
    const cause = alone === 0
      ? "It sends nothing; others watch its sites"
      : `It sends nothing; nobody else watches ${sitesOf(alone)}`;
    this.#agent(uuid).state.silentSince = openedAt;
    this.#opened(
      this.#subject(uuid),
      "agent_silent",
      openedAt,
      alone > 0 ? "critical" : "warning",
      cause,
      [],
    );
  }

  #forget(uuid: string): void {
    const { state, waiting } = this.#agent(uuid);
    this.#resolve(this.#subject(uuid), "agent_silent", state.silentSince!, this.now * 1_000);
    this.#agents.delete(uuid);
    for (const id of waiting) {
      const site = this.#site(id);
      delete site.agents[uuid];
      if (Object.keys(site.agents).length > 0) continue;
      this.#close(id, site, this.#moment());
      this.#sites.delete(id);
    }
  }

  /**
   * Whether it is the agent, and not the sites, is asked where there is reason to.
   *
   * @param isUrgent Whether something opens otherwise; else what is lost may be a blip
   */
  #checkNetwork(uuid: string, isUrgent = false): void {
    const { state, sites, lost } = this.#agents.get(uuid)!;
    if (state.networkSince === null && lost.size * 2 <= sites.size) return;
    if (this.now - state.checkedAt < CHECK_MS && lost.size > MANY) return;
    this.#agent(uuid).state.checkedAt = this.now;
    const strange = strangeTo(uuid, { sites: this.#sites, agents: this.#agents });
    if (state.networkSince !== null) {
      if (isOver(strange, sites.size)) this.#believe(uuid);
    } else if (this.now - state.resumedAt >= TOGETHER_MS) {
      const together = lostTogether(strange, sites.size, (site) => this.#policyOf(site).host);
      const isTurned = isUrgent || together?.some(({ isTurned }) => isTurned);
      if (together !== null && isTurned) this.#doubt(uuid, together);
    }
  }

  /** It sees most sites down: one incident of its own, and what it sees so counts no more. */
  #doubt(uuid: string, together: readonly Strange[]): void {
    const { state, sites } = this.#agents.get(uuid)!;
    const openedAt = this.now * 1_000;
    state.networkSince = openedAt;
    const unknown = together.filter(({ isUnknown }) => isUnknown).length;
    const what = unknown * 2 > together.length ? "cannot tell of" : "sees";
    const alone = together.filter(({ isElsewhere }) => !isElsewhere).length;
    const others = alone === 0
      ? "others see them well"
      : `nobody else watches ${sitesOf(alone)} of them`;
    this.#opened(
      this.#subject(uuid),
      "agent_network",
      openedAt,
      alone > 0 ? "critical" : "warning",
      what === "sees"
        ? `It sees ${together.length} of its ${sitesOf(sites.size)} down; ${others}`
        : `It cannot tell of ${together.length} of its ${sitesOf(sites.size)}`,
      [],
    );
    this.#reviewAll(sites);
  }

  #believe(uuid: string): void {
    const { state, sites, lost } = this.#agents.get(uuid)!;
    this.#resolve(this.#subject(uuid), "agent_network", state.networkSince!, this.now * 1_000);
    state.networkSince = null;
    for (const id of sites) {
      const { view } = this.#sites.get(id)!.agents[uuid]!;
      if (lost.has(id) || view!.vote !== "up") this.#site(id).isExcused = true;
    }
    this.#reviewAll(sites);
  }

  #reviewAll(sites: ReadonlySet<number>): void {
    for (const id of [...sites].sort((one, other) => one - other)) {
      this.#review(id, this.#site(id), this.#moment(), true);
      this.#tellDependants(id);
    }
  }
}

function siteKey(id: number): string {
  return `s${id}`;
}

function sitesOf(count: number): string {
  return count === 1 ? "one site" : `${count} sites`;
}

import { Agent, type AgentState, type Spell } from "./agent.ts";
import { AgentWatch } from "./agents/agent_watch.ts";
import { Book, type Changes, type SitePolicy } from "./book.ts";
import { ObjectiveWatch } from "./sites/objective_watch.ts";
import type { SiteState } from "./site.ts";
import { SiteWatch } from "./sites/site_watch.ts";
import type { AlertEvent, View } from "./view.ts";

/** All that is kept between rounds. */
export interface Known {
  /** The time up to which all is decided, milliseconds since 1970. */
  now: number;
  sites: Iterable<[number, SiteState]>;
  agents: Iterable<[string, AgentState]>;
}

/** What an overview is handed beside. */
export interface OverviewDeps {
  policyOf(site: number): SitePolicy;
  spells: readonly Spell[];
}

/**
 * What incidents there are, of all sites and agents. It is told what the votes made known, in the order
 * of their time, and how far time has come: the same events always give the same changes, whenever they
 * are told, and by whomever. docs/alerts.md has the rules in prose.
 */
export class Overview {
  readonly #book: Book;
  readonly #agents: AgentWatch;
  readonly #sites: SiteWatch;
  readonly #objectives: ObjectiveWatch;

  constructor(known: Known, { policyOf, spells }: OverviewDeps) {
    const book = this.#book = new Book(known.now, spells, policyOf);
    for (const [uuid, state] of known.agents) book.agents.set(uuid, new Agent(state));
    for (const [id, site] of known.sites) {
      book.sites.set(id, site);
      for (const [uuid, { view }] of Object.entries(site.agents)) {
        book.agents.get(uuid)?.sees(id, view);
      }
    }
    this.#objectives = new ObjectiveWatch(book);
    this.#sites = new SiteWatch(book, (uuid, isUrgent) => {
      this.#agents.checkNetwork(uuid, isUrgent);
    });
    this.#agents = new AgentWatch(book, {
      reviewAll: (sites) => this.#sites.reviewAll(sites),
      excuse: (uuid, sites) => this.#objectives.excuse(uuid, sites),
      forget: (uuid) => this.#sites.forget(uuid),
    });
  }

  get now(): number {
    return this.#book.now;
  }

  /** The topic was out of reach, and what agents did not say in that time says nothing of them. */
  blind(spell: Spell): void {
    this.#book.spells.push(spell);
  }

  /** Takes an event; none before may be later. */
  take(event: AlertEvent): void {
    this.passTo(event.at);
    // Of a partition that was left behind: it is heard of only now.
    const moment = { at: this.now, ts: event.ts };
    if (event.kind === "view") this.#see(event.site, event.agent, event.detail, moment);
    else if (event.kind === "void") this.#objectives.missed(event.site, event.agent, event.detail);
    else this.#hear(event.agent, event.kind === "well");
  }

  /** Does what is due before `at`. */
  passTo(at: number): void {
    const { timers } = this.#book;
    for (let next = timers.next(at); next; next = timers.next(at)) {
      this.#book.now = Math.max(this.now, next.due);
      const id = next.key.slice(1);
      if (next.key.startsWith("a")) this.#agents.look(id);
      else if (next.key.startsWith("s")) this.#sites.look(Number(id));
      else this.#objectives.look(Number(id));
    }
    this.#book.now = Math.max(this.now, at);
  }

  /** What became of all since the last call. */
  changes(): Changes {
    return this.#book.takeChanges();
  }

  #hear(uuid: string, isWell: boolean): void {
    this.#agents.hear(uuid, isWell);
    this.#sites.missWhatLeft(uuid);
    if (isWell) this.#release(uuid);
    this.#agents.checkNetwork(uuid, false);
  }

  /** An agent has seen a site well: what is lost to it need not wait for it. */
  #release(uuid: string): void {
    for (const id of [...this.#book.agents.get(uuid)!.lost]) {
      const site = this.#book.sites.get(id);
      if (site?.objective.unsure === uuid) this.#objectives.ask(id, uuid);
      if (site?.wanted && site.agents[uuid]?.view?.abstains === null) this.#sites.settle(id);
    }
  }

  #see(id: number, uuid: string, view: View | null, moment: { at: number; ts: number }): void {
    // Forgotten, and heard of no more.
    if (view === null && !this.#book.agents.has(uuid)) return;
    this.#book.agent(uuid);
    this.#sites.see(id, uuid, view, moment);
    this.#agents.wake(uuid);
  }
}

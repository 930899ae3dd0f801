import type { Book } from "../book.ts";
import { TOGETHER_MS } from "../agents/network.ts";
import { burnOf, miss, OBJECTIVE_KINDS, type ObjectiveKind, unmiss } from "./objective.ts";
import { evidenceOf, type SiteState } from "../site.ts";
import type { View } from "../view.ts";

const MINUTE_MS = 60_000;

const SEVERITIES = { slo_fast: "critical", slo_slow: "warning" } as const;

/** What becomes of sites' objectives. */
export class ObjectiveWatch {
  readonly #book: Book;

  constructor(book: Book) {
    this.#book = book;
    for (const [id, { objective }] of book.sites) {
      if (Object.keys(objective.open).length > 0) this.#wake(id);
    }
  }

  /** A site was down for an agent at so many due times. */
  missed(id: number, uuid: string, slots: number): void {
    const { agents, now } = this.#book;
    const agent = agents.get(uuid);
    if (agent?.state.networkSince) return;
    const site = this.#book.site(id);
    site.objective.missed = miss(site.objective.missed, now, slots);
    if (site.agents[uuid]) site.agents[uuid].missed += slots;
    this.ask(id, uuid);
  }

  /** Opens what burns too fast; as a site waits for its agent, so does its objective. */
  ask(id: number, uuid: string): void {
    const site = this.#book.site(id);
    const agent = this.#book.agents.get(uuid);
    const view = site.agents[uuid]?.view;
    const isUnsure = agent && view?.lost && agent.state.wellAt <= view.lost.at &&
      agent.lost.size < agent.sites.size && this.#book.now < view.lost.at + TOGETHER_MS;
    site.objective.unsure = isUnsure ? uuid : null;
    if (!isUnsure && view && !agent?.state.networkSince) this.#openWhat(id, site, uuid, view);
  }

  /** What an agent missed of sites since they are lost to it was its own fault. */
  excuse(uuid: string, ids: readonly number[]): void {
    for (const id of ids) {
      const site = this.#book.site(id);
      site.objective.missed = unmiss(site.objective.missed, site.agents[uuid]!.missed);
      site.agents[uuid]!.missed = 0;
    }
  }

  /** It may be time that an incident of a site's objective closes. */
  look(id: number): void {
    const site = this.#book.sites.get(id);
    if (!site) return;
    for (const kind of OBJECTIVE_KINDS) {
      const openedAt = site.objective.open[kind];
      if (openedAt === undefined || this.#burnOf(kind, id, site) !== null) continue;
      delete this.#book.site(id).objective.open[kind];
      this.#book.resolve({ subject: { site: id }, kind, openedAt });
    }
    if (Object.keys(site.objective.open).length > 0) this.#wake(id);
  }

  /** At each minute: so it is closed by the same one, whenever that is noticed. */
  #wake(id: number): void {
    const { now, timers } = this.#book;
    timers.wake(`o${id}`, (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS);
  }

  #openWhat(id: number, site: SiteState, uuid: string, view: View): void {
    const { sites, policyOf, now } = this.#book;
    const { parents, slo } = policyOf(id);
    const { open } = site.objective;
    // What is told already, or is the fault of what it depends on.
    const isTold = site.open?.kind === "down" || site.wanted !== null || site.isExcused;
    if (isTold || open.slo_fast !== undefined) return;
    if (parents.some((parent) => sites.get(parent)?.level === "down")) return;
    for (const kind of OBJECTIVE_KINDS) {
      const burning = this.#burnOf(kind, id, site);
      if (burning === null || open[kind] !== undefined) continue;
      const openedAt = open[kind] = now * 1_000;
      const times = burning.burn.toFixed(burning.burn < 10 ? 1 : 0);
      this.#book.open(
        { subject: { site: id }, kind, openedAt },
        SEVERITIES[kind],
        `${times} times as often as ${slo} % allows, over ${
          burning.hours === 1 ? "an hour" : `${burning.hours} hours`
        }`,
        [evidenceOf(uuid, view, view.since ?? openedAt)],
      );
      this.#wake(id);
      return;
    }
  }

  #burnOf(kind: ObjectiveKind, id: number, { objective, agents }: SiteState) {
    const { slo } = this.#book.policyOf(id);
    const dueMs = Object.values(agents).flatMap(({ view }) => view ? view.intervalMs : []);
    if (slo === null || dueMs.length === 0) return null;
    return burnOf(kind, objective.missed, this.#book.now, dueMs, slo);
  }
}

import { span } from "../../../runtime/in_words.ts";
import { quietOf } from "../agent.ts";
import type { Book } from "../book.ts";
import { SIGN_MS } from "../signs.ts";
import { evidenceOf } from "../site.ts";
import { isOver, lostTogether, type Strange, strangeTo, TOGETHER_MS } from "./network.ts";

/** An agent that was silent for so long is no agent any more. */
const FORGET_MS = 7 * 86_400_000;
/** An agent that has lost many sites is asked about them no more often. */
const CHECK_MS = 1_000;
const MANY = 100;

/** What else changes with an agent. */
export interface AgentDeps {
  /** It is not believed any more, or again, of what it sees bad of these. */
  reviewAll(sites: Iterable<number>): void;
  /** What these missed is its own fault. */
  excuse(uuid: string, sites: readonly number[]): void;
  forget(uuid: string): void;
}

/** What becomes of agents: whether they are heard, and believed. */
export class AgentWatch {
  readonly #book: Book;
  readonly #deps: AgentDeps;

  constructor(book: Book, deps: AgentDeps) {
    this.#book = book;
    this.#deps = deps;
    for (const uuid of book.agents.keys()) this.wake(uuid);
  }

  /** It gave a sign of life. @param isWell By a site that is well */
  hear(uuid: string, isWell: boolean): void {
    const { now, sites } = this.#book;
    const { state, sites: watched } = this.#book.agent(uuid);
    // That it is heard is told each SIGN_MS, however often it is.
    if (now - state.seenAt > SIGN_MS + state.quietMs / 2) state.resumedAt = now;
    state.seenAt = now;
    if (isWell) state.wellAt = now;
    // What it does not see any more says nothing of how often it speaks.
    if (watched.size > 0) state.quietMs = Infinity;
    for (const id of watched) {
      state.quietMs = Math.min(state.quietMs, quietOf(sites.get(id)!.agents[uuid]!.view!));
    }
    const { silentSince: openedAt } = state;
    if (openedAt !== null) {
      this.#book.resolve({ subject: this.#book.subject(uuid), kind: "agent_silent", openedAt });
      state.silentSince = null;
    }
    this.wake(uuid);
  }

  /** To be looked at when it is silent for too long. */
  wake(uuid: string): void {
    const agent = this.#book.agents.get(uuid)!;
    const { silentSince, seenAt } = agent.state;
    const due = silentSince === null ? agent.silentAt(this.#book.spells) : seenAt + FORGET_MS;
    this.#book.timers.wake(`a${uuid}`, due);
  }

  look(uuid: string): void {
    const agent = this.#book.agents.get(uuid);
    if (!agent) return;
    const { now, spells } = this.#book;
    const { silentSince, seenAt } = agent.state;
    if (silentSince === null && agent.silentAt(spells) <= now) this.#silence(uuid);
    else if (silentSince !== null && seenAt + FORGET_MS <= now) return this.#forget(uuid);
    this.wake(uuid);
  }

  #silence(uuid: string): void {
    const { now, sites } = this.#book;
    const { seenAt, location } = this.#book.agent(uuid).state;
    const alone = [...sites.values()].filter(({ agents }) =>
      agents[uuid] &&
      !Object.entries(agents).some(([other, { view }]) => other !== uuid && view?.watches)
    ).length;
    const openedAt = this.#book.agent(uuid).state.silentSince = now * 1_000;
    this.#book.open(
      { subject: this.#book.subject(uuid), kind: "agent_silent", openedAt },
      alone > 0 ? "critical" : "warning",
      `not heard for ${span(now - seenAt)}; ${
        alone > 0 ? `nobody else watches ${sitesOf(alone)}` : "others watch its sites"
      }`,
      [evidenceOf(uuid, { location, cause: "heard last", seen: null }, seenAt * 1_000)],
    );
  }

  #forget(uuid: string): void {
    const { silentSince } = this.#book.agent(uuid).state;
    const key = { subject: this.#book.subject(uuid), kind: "agent_silent" as const };
    this.#book.resolve({ ...key, openedAt: silentSince! });
    this.#book.agents.delete(uuid);
    this.#deps.forget(uuid);
  }

  /**
   * Whether it is the agent, and not the sites, is asked where there is reason to.
   *
   * @param isUrgent Whether something opens otherwise; else what is lost may be a blip
   */
  checkNetwork(uuid: string, isUrgent: boolean): void {
    const { now, policyOf } = this.#book;
    const { state, sites, lost } = this.#book.agents.get(uuid)!;
    if (state.networkSince === null && lost.size * 2 <= sites.size) return;
    if (now - state.checkedAt < CHECK_MS && lost.size > MANY) return;
    this.#book.agent(uuid).state.checkedAt = now;
    const strange = strangeTo(uuid, this.#book);
    if (state.networkSince !== null) {
      if (isOver(strange, sites.size)) this.#believe(uuid);
    } else if (now - state.resumedAt >= TOGETHER_MS) {
      const together = lostTogether(strange, sites.size, (site) => policyOf(site).host);
      const isTurned = isUrgent || together?.some(({ isTurned }) => isTurned);
      if (together !== null && isTurned) this.#doubt(uuid, together);
    }
  }

  /** It sees most sites down: one incident of its own, and what it sees so counts no more. */
  #doubt(uuid: string, together: readonly Strange[]): void {
    const { state, sites } = this.#book.agents.get(uuid)!;
    const openedAt = state.networkSince = this.#book.now * 1_000;
    const alone = together.filter(({ isElsewhere }) => !isElsewhere).length;
    const isUnknown = together.filter(({ isUnknown }) => isUnknown).length * 2 > together.length;
    const others = alone === 0
      ? "others see them well"
      : `nobody else watches ${alone === together.length ? "them" : `${alone} of them`}`;
    const count = `${together.length} of its ${sitesOf(sites.size)}`;
    // The one that was lost first stands for all of them.
    const view = this.#book.sites.get(together[0]!.site)!.agents[uuid]!.view!;
    this.#book.open(
      { subject: this.#book.subject(uuid), kind: "agent_network", openedAt },
      alone > 0 ? "critical" : "warning",
      isUnknown ? `it cannot tell of ${count}` : `it sees ${count} down; ${others}`,
      [evidenceOf(uuid, view, view.lost!.ts)],
    );
    this.#deps.excuse(uuid, together.map(({ site }) => site));
    this.#deps.reviewAll(sites);
  }

  #believe(uuid: string): void {
    const { state, sites, lost } = this.#book.agents.get(uuid)!;
    const key = { subject: this.#book.subject(uuid), kind: "agent_network" as const };
    this.#book.resolve({ ...key, openedAt: state.networkSince! });
    state.networkSince = null;
    for (const id of sites) {
      const { view } = this.#book.sites.get(id)!.agents[uuid]!;
      if (lost.has(id) || view!.vote !== "up") this.#book.site(id).isExcused = true;
    }
    this.#deps.reviewAll(sites);
  }
}

function sitesOf(count: number): string {
  return count === 1 ? "one site" : `${count} sites`;
}

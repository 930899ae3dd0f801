import type { Book } from "../book.ts";
import type { IncidentKey, Kind } from "../change.ts";
import { holdUntil, recoveryMs } from "./hold.ts";
import { decide, evidenceOf, type SiteState, votersFor, votersOf } from "../site.ts";
import type { Moment, View } from "../view.ts";

/** What a site remembers of agents that left it. */
const LEFT_MS = 86_400_000;

const SEVERITIES = { down: "critical", degraded: "warning", unobserved: "warning" } as const;

/** What becomes of sites by what their agents see. */
export class SiteWatch {
  readonly #book: Book;
  readonly #checkNetwork: (uuid: string, isUrgent: boolean) => void;

  /** @param checkNetwork Asks whether what an agent has lost is its own trouble */
  constructor(book: Book, checkNetwork: (uuid: string, isUrgent: boolean) => void) {
    this.#book = book;
    this.#checkNetwork = checkNetwork;
    for (const [id, site] of book.sites) {
      if (site.wanted) book.timers.wake(`s${id}`, site.wanted.until);
      // Since then the config may have lost it.
      if (site.leftAt !== null && !book.policyOf(id).isExpected) this.#leave(id, book.site(id));
    }
  }

  /** An agent sees it otherwise, or no more. */
  see(id: number, uuid: string, view: View | null, moment: Moment): void {
    const site = this.#book.site(id);
    const before = site.agents[uuid];
    if (!before) this.#dropLeft(site);
    const freshMs = (view ?? before)?.freshMs ?? 0;
    const missed = view?.lost ? before?.missed ?? 0 : 0;
    site.agents[uuid] = { view, at: moment.at, freshMs, missed };
    this.#book.agents.get(uuid)!.sees(id, view);
    this.#flap(id, site);
    // Who abstains decides nothing, not even by being away.
    this.#review(id, site, moment, view !== null && view.abstains === null);
    for (const other in site.agents) {
      if (other === uuid || site.agents[other]!.view?.lost?.isTurned) {
        this.#checkNetwork(other, false);
      }
    }
    this.#tellDependants(id);
  }

  /** What becomes of sites where an agent is believed no more, or again. */
  reviewAll(ids: Iterable<number>): void {
    for (const id of [...ids].sort((one, other) => one - other)) {
      this.#review(id, this.#book.site(id), this.#book.moment(), true);
      this.#tellDependants(id);
    }
  }

  /** What a site waited for has come, or may have. */
  settle(id: number): void {
    this.#settle(id, this.#book.site(id), this.#book.moment());
    this.#tellDependants(id);
  }

  /** It may be time that a site opens. */
  look(id: number): void {
    const { timers, now } = this.#book;
    const wanted = this.#book.sites.get(id)?.wanted ?? null;
    if (wanted === null) return;
    if (now < wanted.until) return timers.wake(`s${id}`, wanted.until);
    this.settle(id);
  }

  /** An agent is no agent any more. */
  forget(uuid: string): void {
    const ids = [...this.#book.sites].flatMap(([id, { agents }]) => uuid in agents ? id : []);
    for (const id of ids.sort((one, other) => one - other)) {
      const site = this.#book.site(id);
      delete site.agents[uuid];
      if (Object.keys(site.agents).length > 0) {
        this.#review(id, site, this.#book.moment(), false);
        continue;
      }
      this.#close(id, site, this.#book.moment());
      this.#book.sites.delete(id);
    }
  }

  /** Those that left it long ago, and were not silent, say nothing of it any more. */
  #dropLeft({ agents }: SiteState): void {
    for (const [uuid, { view, at }] of Object.entries(agents)) {
      if (view === null && this.#book.now - at > LEFT_MS && !this.#isSilent(uuid)) {
        delete agents[uuid];
      }
    }
  }

  #isSilent(uuid: string): boolean {
    return (this.#book.agents.get(uuid)?.state.silentSince ?? null) !== null;
  }

  /** What an agent sees that sees most sites down, and is alone with it, is not believed. */
  #counts = (uuid: string, { vote, abstains, lost }: View): boolean =>
    !this.#book.agents.get(uuid)?.state.networkSince ||
    abstains === "maintenance" || vote === "up" && lost === null;

  /** Who goes up and down all the time is told of once, and then when that is over. */
  #flap(id: number, site: SiteState): void {
    const views = Object.values(site.agents).flatMap(({ view }) => view?.watches ? view : []);
    const isFlapping = views.filter(({ isFlapping }) => isFlapping).length * 2 > views.length;
    if (isFlapping === site.isFlapping) return;
    site.isFlapping = isFlapping;
    if (isVoted(site.open?.kind)) this.#book.flap(this.#keyOf(id, site.open!), isFlapping);
  }

  #review(id: number, site: SiteState, moment: Moment, hasSay: boolean): void {
    const isWatched = Object.entries(site.agents)
      .some(([uuid, { view }]) => view?.watches && this.#counts(uuid, view));
    if (!isWatched) {
      if (site.leftAt === null) this.#leave(id, site);
      return;
    }
    site.leftAt = null;
    if (hasSay) this.#settle(id, site, moment);
  }

  #settle(id: number, site: SiteState, moment: Moment): void {
    const { sites, policyOf, timers, now } = this.#book;
    // What was wanted is no more, unless it is said again below.
    const before = site.wanted;
    site.wanted = null;
    const votes = votersOf(site, this.#counts);
    if (votes.length === 0) return;
    const policy = policyOf(id);
    const was = site.open?.kind === "down" && site.level !== "up" ? "down" : site.level;
    const level = decide(was, votes, policy.downWhen);
    if (level === null || level === "unobserved") return;
    const staysOpen = site.isFlapping && isVoted(site.open?.kind);
    if (level === "up" || level === site.open?.kind || staysOpen) {
      site.isExcused = false;
      site.level = level;
      if (level === "up" && !staysOpen) this.#close(id, site, moment);
      return;
    }
    if (policy.parents.some((parent) => sites.get(parent)?.level === "down")) {
      site.isExcused = true;
      site.level = level;
      return;
    }
    // That it stays as it was, at a tie, opens nothing.
    if (decide(null, votes, policy.downWhen) !== level) return;
    const voters = votersFor(votes, level);
    if (site.isExcused) {
      site.isExcused = false;
      const until = now + recoveryMs(voters, policy);
      site.wanted = { level, at: now, ts: until * 1_000, until, isAfter: true };
    } else if (before?.level === level) site.wanted = before;
    else site.wanted = { level, ...moment, until: 0, isAfter: false };
    const wanted = site.wanted;
    if (!wanted.isAfter) {
      for (const { agent, lost } of voters) if (lost?.isTurned) this.#checkNetwork(agent, false);
      // Which may have settled it.
      if (site.wanted !== wanted) return;
      wanted.until = holdUntil(wanted, voters, policy, this.#book);
    }
    if (now < wanted.until) return timers.wake(`s${id}`, wanted.until);
    site.wanted = null;
    this.#close(id, site, moment);
    site.level = level;
    const evidence = voters.map((voter) => evidenceOf(voter.agent, voter, voter.since!));
    site.open = { kind: level, openedAt: wanted.ts };
    const key = this.#keyOf(id, site.open);
    this.#book.open(key, SEVERITIES[level], evidence.at(-1)!.cause, evidence);
    if (site.isFlapping) this.#book.flap(key, true);
  }

  #tellDependants(id: number): void {
    for (const child of this.#book.policyOf(id).children) {
      const site = this.#book.sites.get(child);
      if (!site || site.wanted === null && !site.isExcused) continue;
      this.settle(child);
    }
  }

  /** Nobody watches it any more. An incident stays open until somebody says how it is. */
  #leave(id: number, site: SiteState): void {
    const { agents, sites, policyOf, now } = this.#book;
    site.wanted = null;
    if (!policyOf(id).isExpected) {
      this.#close(id, site, this.#book.moment());
      for (const uuid in site.agents) agents.get(uuid)?.sees(id, null);
      sites.delete(id);
      return;
    }
    site.leftAt = now;
    site.level = "unobserved";
    site.isExcused = false;
  }

  /** An agent is heard: that may show that nobody is excused for what it watched, and nobody watches. */
  missWhatLeft(uuid: string): void {
    for (const [id, { leftAt, open, agents }] of this.#book.sites) {
      if (leftAt !== null && open === null && uuid in agents) this.#miss(id, leftAt);
    }
  }

  /** Opens where it is no agent's trouble that nobody watches it: each was there all the time. */
  #miss(id: number, leftAt: number): void {
    const { agents, now } = this.#book;
    const site = this.#book.sites.get(id)!;
    let since = leftAt;
    for (const [uuid, { freshMs, view, at }] of Object.entries(site.agents)) {
      const state = agents.get(uuid)?.state;
      if (!state || view === null && now - at > LEFT_MS && !this.#isSilent(uuid)) continue;
      if (view?.lost) this.#checkNetwork(uuid, true);
      if (state.silentSince !== null || state.networkSince !== null) return;
      since = Math.max(since, state.resumedAt + freshMs);
      if (state.seenAt <= since) return;
    }
    this.#book.site(id).open = { kind: "unobserved", openedAt: since * 1_000 };
    this.#book.open(this.#keyOf(id, site.open!), SEVERITIES.unobserved, "no agent says how it is");
  }

  #close(id: number, site: SiteState, { ts }: Moment): void {
    if (site.open === null) return;
    this.#book.resolve(this.#keyOf(id, site.open), ts);
    site.open = null;
  }

  #keyOf(id: number, { kind, openedAt }: NonNullable<SiteState["open"]>): IncidentKey {
    return { subject: { site: id }, kind, openedAt };
  }
}

/** Whether it is the votes that opened it. */
function isVoted(kind: Kind | undefined): boolean {
  return kind === "down" || kind === "degraded";
}

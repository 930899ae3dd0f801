import { SIGN_MS, type View } from "./view.ts";

/** What is known of an agent; JSON, kept between rounds. Times are milliseconds since 1970. */
export interface AgentState {
  /** When it was heard last, within SIGN_MS. */
  seenAt: number;
  /** When it saw a site that was well, the same. */
  wellAt: number;
  /** When it was heard again after a pause, or first. */
  resumedAt: number;
  /** How long it may be silent: three of its shortest intervals and the timeout. */
  quietMs: number;
  /** `openedAt` of the incident of its silence; null while it is heard. */
  silentSince: number | null;
  /** The same of the one that it sees most sites down. */
  networkSince: number | null;
  /** When it was last asked whether it does. */
  checkedAt: number;
  location: string | null;
}

/** An agent, and what of the sites it checks is asked often. */
export class Agent {
  readonly state: AgentState;
  /** How many of its views may be silent for how long. */
  readonly #quiet = new Map<number, number>();
  /** Sites that it watches. */
  readonly sites = new Set<number>();
  /** Those that are down or unknown to it. */
  readonly lost = new Set<number>();
  /** Sites that nobody watches, and that it may have to do with. */
  readonly waiting = new Set<number>();
  /** Sites that open if it sees others well. */
  readonly held = new Set<number>();

  constructor(state: AgentState) {
    this.state = state;
  }

  /** A site is seen otherwise. */
  sees(site: number, before: View | null, view: View | null): void {
    if (before !== null) this.#add(before, -1);
    if (view?.lost) this.lost.add(site);
    else this.lost.delete(site);
    if (view === null) {
      this.sites.delete(site);
      return;
    }
    this.sites.add(site);
    this.#add(view, 1);
    this.state.quietMs = Math.min(this.state.quietMs, quietOf(view));
    this.state.location = view.location;
  }

  #add(view: View, by: 1 | -1): void {
    const quietMs = quietOf(view);
    const count = (this.#quiet.get(quietMs) ?? 0) + by;
    if (count > 0) this.#quiet.set(quietMs, count);
    else this.#quiet.delete(quietMs);
  }

  /** It is heard, so that what it does not see any more says nothing of how often it speaks. */
  heard(at: number, isWell: boolean): void {
    const { state } = this;
    // That it is heard is told each SIGN_MS, however often it is.
    if (at - state.seenAt > SIGN_MS + state.quietMs / 2) state.resumedAt = at;
    state.seenAt = Math.max(state.seenAt, at);
    if (isWell) state.wellAt = Math.max(state.wellAt, at);
    if (this.#quiet.size > 0) state.quietMs = Math.min(...this.#quiet.keys());
  }

  /** When it is silent, unless it is heard before. @param spells In which nobody could be heard */
  silentAt(spells: readonly Spell[]): number {
    const { seenAt, quietMs } = this.state;
    const wait = SIGN_MS + quietMs;
    return spells.reduce(
      (due, { from, until }) => from < due && until > seenAt ? Math.max(due, until + wait) : due,
      seenAt + wait,
    );
  }
}

/** From when until when the topic was out of reach, by the broker's clock, milliseconds since 1970. */
export interface Spell {
  from: number;
  until: number;
}

/** Of an agent that sees no site yet. */
const QUIET_MS = 86_400_000;

export function newAgent(at: number): Agent {
  return new Agent({
    seenAt: at,
    wellAt: 0,
    resumedAt: at,
    quietMs: QUIET_MS,
    silentSince: null,
    networkSince: null,
    checkedAt: 0,
    location: null,
  });
}

function quietOf({ freshMs, intervalMs }: View): number {
  return freshMs + intervalMs;
}

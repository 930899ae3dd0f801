import { SIGN_MS } from "./signs.ts";
import type { View } from "./view.ts";

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

/** An agent, with the sites that it watches. */
export class Agent {
  readonly state: AgentState;
  readonly sites = new Set<number>();
  /** Those that are down or unknown to it. */
  readonly lost = new Set<number>();

  constructor(state: AgentState) {
    this.state = state;
  }

  /** A site is seen otherwise; null: not any more. */
  sees(site: number, view: View | null): void {
    if (view === null) this.sites.delete(site);
    else this.sites.add(site);
    if (view?.lost) this.lost.add(site);
    else this.lost.delete(site);
    if (view === null) return;
    this.state.quietMs = Math.min(this.state.quietMs, quietOf(view));
    this.state.location = view.location;
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

/** How long an agent that sees a site so may be silent. */
export function quietOf({ freshMs, intervalMs }: View): number {
  return freshMs + intervalMs;
}

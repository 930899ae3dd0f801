/** What an agent sees of a site, or a site is; in the order of the database's numbers (0 to 4). */
export const STATES = ["up", "degraded", "down", "unknown", "maintenance"] as const;

/** "unobserved": no agent has said anything of late. */
export type State = typeof STATES[number] | "unobserved";

/** The last result of a site's agent. Times are milliseconds since 1970. */
export interface Seen {
  /** The site's, or its URL where it has none. */
  name: string;
  url: string;
  agentId: number;
  /** Its UUID. */
  agent: string;
  location: string | null;
  /** The agent's, and the site's. */
  labels: Record<string, string> | null;
  siteLabels: Record<string, string> | null;
  /** Start of the check. */
  ts: number;
  /** Since when the agent sees this state. */
  since: number;
  /** Index in STATES. */
  state: number;
  responseMs: number | null;
  responseCode: number | null;
  reason: string | null;
  errorMessage: string | null;
  /** Seconds between due times; null: not said. */
  frequency: number | null;
  /** Of the certificate. */
  expiresAt: number | null;
}

/** Whether a result says something of now, by what httpmon_fresh_for says. */
export function isFresh({ ts, frequency }: Pick<Seen, "ts" | "frequency">, now: number): boolean {
  return ts > now - 1_000 * (frequency === null ? 3_600 : 2 * frequency + 120);
}

/** Where an agent stands, or its UUID. */
export function placeOf({ location, agent }: Pick<Seen, "location" | "agent">): string {
  return location ?? agent;
}

/** A site's state as its agents see it. */
export interface SiteState {
  state: State;
  since: number;
  /** Of the agents, the one that decides it, or the newest. */
  by: Seen;
  /** Those that see it down. */
  down: readonly Seen[];
  /** Those that say anything of now. */
  fresh: readonly Seen[];
}

/**
 * The state that most agents see, by the rules of the database's httpmon_sites_now.
 *
 * @param newest One at least, the newest first
 */
export function siteStateOf(newest: readonly Seen[], now: number): SiteState {
  const fresh = newest.filter((one) => isFresh(one, now));
  const of = (...states: number[]) => fresh.filter(({ state }) => states.includes(state));
  const [up, troubled, down, votes] = [of(0), of(1, 2), of(2), of(0, 1, 2)];
  // From when on so many see it as to decide.
  const half = Math.floor(votes.length / 2);
  const decided = (some: readonly Seen[]) => {
    const since = some.map((one) => one.since).toSorted((a, b) => a - b);
    return since[half] ?? since.at(-1)!;
  };
  const weight = (one: Seen) => (fresh.includes(one) ? 4 : 0) + ([0, 1, 2][one.state] ?? 0);
  const is = (state: State, since: number): SiteState => ({
    state,
    since,
    by: newest.reduce((best, one) => weight(one) > weight(best) ? one : best),
    down,
    fresh,
  });
  const last = () => Math.max(...fresh.map((one) => one.since));
  if (fresh.length === 0) return is("unobserved", newest[0]!.ts);
  if (of(4).length === fresh.length) return is("maintenance", last());
  if (votes.length === 0) return is("unknown", last());
  if (down.length * 2 > votes.length) return is("down", decided(down));
  if (troubled.length * 2 > votes.length) return is("degraded", decided(troubled));
  return is("up", up.length > 0 ? decided(up) : last());
}

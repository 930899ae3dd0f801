/** What an agent sees of a site, or a site is; in the order of the database's numbers (0 to 4). */
export const STATES = ["up", "degraded", "down", "unknown", "maintenance"] as const;

/** "unobserved": no agent has said anything of late. */
export type State = typeof STATES[number] | "unobserved";

/** The last result of a site's agent. */
export interface Seen {
  agentId: number;
  /** Start of the check, milliseconds since 1970, as the others. */
  ts: number;
  /** Since when the agent sees this state. */
  since: number;
  /** Index in STATES. */
  state: number;
  responseMs: number | null;
  responseCode: number | null;
  contextId: number | null;
  connectionId: number | null;
  reasonId: number | null;
}

/** What httpmon_fresh_for says, in milliseconds. */
function freshMs(frequency: number | null): number {
  return 1_000 * (frequency === null ? 3_600 : 2 * frequency + 120);
}

/** A site's state as its agents see it. */
export interface Judgement {
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
 * @param seen One at least
 * @param frequencyOf Seconds between the results of an agent; null: not said
 */
export function judge(
  seen: readonly Seen[],
  frequencyOf: (seen: Seen) => number | null,
  now: number,
): Judgement {
  const newest = seen.toSorted((a, b) => b.ts - a.ts);
  const fresh = newest.filter((one) => one.ts > now - freshMs(frequencyOf(one)));
  const of = (...states: number[]) => fresh.filter(({ state }) => states.includes(state));
  const [up, troubled, down, votes] = [of(0), of(1, 2), of(2), of(0, 1, 2)];
  // From when on so many see it as to decide.
  const half = Math.floor(votes.length / 2);
  const decided = (some: readonly Seen[]) => {
    const since = some.map((one) => one.since).toSorted((a, b) => a - b);
    return since[half] ?? since.at(-1)!;
  };
  const weight = (one: Seen) => (fresh.includes(one) ? 4 : 0) + ([0, 1, 2][one.state] ?? 0);
  const is = (state: State, since: number): Judgement => ({
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

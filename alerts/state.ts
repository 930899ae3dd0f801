import type { AlertRules } from "../config/types.ts";
import type { Verdict } from "../wire/message.ts";
import type { Seen } from "./message/message.ts";

/** What a site can be said to be; the last two are kinds of incidents. */
export type Level = "up" | "degraded" | "down";

/** What is taken from a result. */
export interface Observation {
  agent: string;
  /** Start of the check, microseconds since 1970, by the agent's clock. */
  ts: number;
  /** When the broker took the result, milliseconds since 1970: one clock for all agents. */
  at: number;
  verdict: Verdict;
  maintenance: boolean;
  slots: number;
  /** How long it speaks for its agent, and how late it may come: two intervals and the timeout. */
  freshMs: number;
  location: string | null;
  /** For a person; empty where the verdict is up. */
  cause: string;
  /** Null where the verdict is up. */
  seen: Seen | null;
}

/** What is known of an agent that checks the site. */
export interface AgentState {
  /** Of its last result that counted. */
  ts: number;
  at: number;
  freshMs: number;
  /** Of its last result that was neither unknown nor in maintenance. */
  spokeAt: number;
  abstains: boolean;
  vote: Level | null;
  /** Slots in a row, the last one among them. */
  runs: { up: number; notDown: number; bad: number; down: number };
  /** Of the first result that was bad, in the form of `ts`; null where all is well. */
  since: number | null;
  location: string | null;
  cause: string;
  seen: Seen | null;
}

/** What is known of a site; JSON, kept between batches. */
export interface SiteState {
  /** Null until the votes have said it once. */
  level: Level | null;
  /** `opened_at` of the incident that is open, in the form of `ts`. */
  openedAt: number | null;
  /** When the broker took the newest result that counted. */
  now: number;
  agents: Record<string, AgentState>;
}

/** What an agent that voted for an incident saw. */
export interface Evidence {
  agent: string;
  location: string | null;
  /** Of the first result of its run, in the form of `ts`. */
  since: number;
  cause: string;
  seen: Seen | null;
}

/** What becomes of a site's incidents; an incident is told by its site, `kind` and `openedAt`. */
export type Change =
  | { what: "opened"; kind: "degraded" | "down"; openedAt: number; evidence: Evidence[] }
  | { what: "resolved"; kind: "degraded" | "down"; openedAt: number; closedAt: number };

/** An agent that was silent for so long, and whose vote is over, is forgotten. */
const FORGET_MS = 86_400_000;

export const NEW_SITE: SiteState = { level: null, openedAt: null, now: 0, agents: {} };

/**
 * What a site is after one more result: all time is that of the results, so the same results in the
 * same order always give the same incidents. docs/alerts.md has the rules in prose.
 *
 * @returns The very `state` where the result changes nothing: it is late, or comes again, or after
 *   a later one of its agent
 */
export function observe(
  state: SiteState,
  result: Observation,
  rules: AlertRules,
): { state: SiteState; changes: Change[] } {
  const before = state.agents[result.agent];
  const late = Math.max(Math.abs(result.at - result.ts / 1_000), state.now - result.at);
  if (late > result.freshMs || (before && before.ts >= result.ts)) return { state, changes: [] };

  const agent = vote(before, result, rules);
  const now = Math.max(state.now, result.at);
  const agents = Object.fromEntries(
    Object.entries({ ...state.agents, [result.agent]: agent })
      .filter(([, { at, freshMs }]) => now - at <= Math.max(freshMs, FORGET_MS)),
  );
  const next = { ...state, now, agents };
  // Who abstains decides nothing, not even by being away.
  if (agent.abstains) return { state: next, changes: [] };
  const level = decide(next, rules.downWhen);
  return level === next.level ? { state: next, changes: [] } : turn(next, level, result.ts);
}

function vote(before: AgentState | undefined, result: Observation, rules: AlertRules): AgentState {
  const { ts, at, freshMs, verdict, slots, location } = result;
  const spoke = before !== undefined && at - before.spokeAt <= before.freshMs;
  const start = {
    vote: null,
    runs: { up: 0, notDown: 0, bad: 0, down: 0 },
    since: null,
    cause: "",
    seen: null,
  };
  const last = spoke ? before : start;
  if (result.maintenance || verdict === "unknown") {
    const spokeAt = before?.spokeAt ?? 0;
    return { ...last, spokeAt, ts, at, freshMs, location, abstains: true };
  }
  const count = (goesOn: boolean, run: number) => goesOn ? run + slots : 0;
  const runs = {
    up: count(verdict === "up", last.runs.up),
    notDown: count(verdict !== "down", last.runs.notDown),
    bad: count(verdict !== "up", last.runs.bad),
    down: count(verdict === "down", last.runs.down),
  };
  const { failureThreshold, successThreshold } = rules;
  let vote = last.vote;
  if (runs.down >= failureThreshold) vote = "down";
  else if (runs.up >= successThreshold) vote = "up";
  else if (
    runs.bad >= failureThreshold && (vote !== "down" || runs.notDown >= successThreshold)
  ) {
    vote = "degraded";
  }
  const isWell = verdict === "up" && vote !== "down" && vote !== "degraded";
  return {
    ...{ ts, at, freshMs, location, runs, vote, spokeAt: at, abstains: false },
    since: isWell ? null : last.since ?? ts,
    cause: isWell ? "" : verdict === "up" ? last.cause : result.cause,
    seen: isWell ? null : verdict === "up" ? last.seen : result.seen,
  };
}

/** Those who have a vote now. */
function voters({ agents, now }: SiteState): (AgentState & { agent: string })[] {
  return Object.entries(agents)
    .map(([agent, state]) => ({ agent, ...state }))
    .filter(({ vote, abstains, spokeAt, freshMs }) =>
      vote !== null && !abstains && now - spokeAt <= freshMs
    );
}

function decide(state: SiteState, downWhen: AlertRules["downWhen"]): Level | null {
  const votes = voters(state);
  const all = votes.length;
  if (all === 0) return state.level;
  const down = votes.filter(({ vote }) => vote === "down").length;
  const bad = votes.filter(({ vote }) => vote !== "up").length;
  const needed = typeof downWhen === "number"
    ? downWhen
    : { any: 1, majority: Math.floor(all / 2) + 1, all }[downWhen];
  const isMajority = (votes: number) => votes * 2 > all;
  if (down >= needed) return "down";
  if (state.level === "down" && !isMajority(all - down)) return "down";
  if (bad >= needed) return "degraded";
  return isMajority(all - bad) ? "up" : state.level;
}

function turn(state: SiteState, level: Level | null, ts: number) {
  const changes: Change[] = [];
  if (state.openedAt !== null && (state.level === "down" || state.level === "degraded")) {
    const { openedAt } = state;
    const closedAt = Math.max(ts, openedAt);
    changes.push({ what: "resolved", kind: state.level, openedAt, closedAt });
  }
  const isBad = level === "down" || level === "degraded";
  if (isBad) {
    const evidence = voters(state)
      .filter(({ vote }) => level === "down" ? vote === "down" : vote !== "up")
      .map(({ agent, location, since, cause, seen, ts }) => ({
        agent,
        location,
        since: since ?? ts,
        cause,
        seen,
      }))
      .sort((one, other) => one.since - other.since || (one.agent < other.agent ? -1 : 1));
    changes.push({ what: "opened", kind: level, openedAt: ts, evidence });
  }
  return { state: { ...state, level, openedAt: isBad ? ts : null }, changes };
}

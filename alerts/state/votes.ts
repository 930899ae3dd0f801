import type { AlertRules } from "../../config/types.ts";
import type { Verdict } from "../../wire/message.ts";
import type { Seen } from "../message/message.ts";
import type { AlertEvent, Level, Lost, Moment, View } from "./view.ts";

/** What is taken from a result. */
export interface Observation extends Moment {
  agent: string;
  verdict: Verdict;
  maintenance: boolean;
  slots: number;
  intervalMs: number;
  /** How long it speaks for its agent, and how late it may come: two intervals and the timeout. */
  freshMs: number;
  location: string | null;
  /** For a person; empty where the verdict is up. */
  cause: string;
  /** Null where the verdict is up. */
  seen: Seen | null;
}

/** What is known of an agent that checks the site. */
interface AgentVotes {
  /** Of its last result that counted. */
  ts: number;
  at: number;
  intervalMs: number;
  freshMs: number;
  /** Of its last result that was neither unknown nor in maintenance. */
  spokeAt: number;
  /** Of its last result that was not unknown. */
  watchedAt: number;
  /** Slots in a row, the last one among them. */
  runs: { up: number; notDown: number; bad: number; down: number; lost: number };
  /** Its last results that counted, a bit each, the last one lowest: 1 is up. */
  history: number;
  /** As the others were told; null: it is not heard any more. */
  view: View | null;
}

/** What is known of a site from its results alone; JSON, kept between batches. */
export interface SiteVotes {
  /** When the broker took the newest result that counted. */
  now: number;
  /** Whether somebody fell silent or abstained since the last result that had a say. */
  isOpen: boolean;
  agents: Record<string, AgentVotes>;
}

/** What a site's agents make known, by one result or by none. */
export interface Heard {
  votes: SiteVotes;
  events: OfSite[];
}

/** What a site's results are counted by. */
export interface CountRules extends Omit<AlertRules, "downWhen"> {
  /** Whether other sites depend on it: then each result that is well is told of. */
  isGateway: boolean;
  /** Percent of the due times that are to be good; where it has one, each result that is down is told of. */
  slo: number | null;
}

type Without<Key extends string, Event> = Event extends unknown ? Omit<Event, Key> : never;

/** An `AlertEvent` of a site, which is known elsewhere. */
export type OfSite = Without<"site", Extract<AlertEvent, { site: number }>>;

/** An agent that was silent for so long is forgotten. */
const FORGET_MS = 86_400_000;

export const NEW_VOTES: SiteVotes = { now: 0, isOpen: false, agents: {} };

/**
 * What one more result makes of the votes: the same results in the same order always give the same
 * events. docs/alerts.md has the rules in prose.
 *
 * @returns The very `votes` where the result changes nothing: it is late, or comes again, or after a
 *   later one of its agent
 */
export function hear(votes: SiteVotes, result: Observation, rules: CountRules): Heard {
  const before = votes.agents[result.agent];
  const late = Math.max(Math.abs(result.at - result.ts / 1_000), votes.now - result.at);
  if (late > result.freshMs || (before && before.ts >= result.ts)) return { votes, events: [] };

  const past = pass(votes, result.at);
  const isAsked = rules.isGateway ||
    Object.entries(past.votes.agents).some(([agent, { view }]) =>
      agent !== result.agent && view?.lost && view.lost.ts < result.ts &&
      view.lost.ts >= (before?.view?.wellTs ?? 0)
    );
  const after = count(past.votes.agents[result.agent], result, rules, isAsked);
  const now = Math.max(votes.now, result.at);
  const agents = Object.fromEntries(
    Object.entries({ ...past.votes.agents, [result.agent]: after })
      .filter(([, { at, view }]) => view !== null || now - at <= FORGET_MS),
  );
  const { at, ts, agent } = result;
  const { view } = after;
  const isSilent = view!.abstains !== null;
  const events = [...past.events];
  if (rules.slo !== null && result.verdict === "down" && !result.maintenance) {
    events.push({ kind: "void", at, ts, agent, slots: result.slots });
  }
  const isNews = !isSame(past.votes.agents[agent]?.view ?? null, view) ||
    past.votes.isOpen && !isSilent;
  if (isNews) events.push({ kind: "view", at, ts, agent, view });
  return { votes: { now, isOpen: isSilent && (isNews || past.votes.isOpen), agents }, events };
}

/**
 * What becomes of the votes when no result comes until `at`: they stop to count, each at its time.
 *
 * @returns The very `votes` where nothing does
 */
export function pass(votes: SiteVotes, at: number): Heard {
  const events: OfSite[] = [];
  const agents = { ...votes.agents };
  for (const [agent, known] of Object.entries(votes.agents)) {
    let { view } = known;
    const end = (last: number, next: View | null) => {
      const due = last + known.freshMs;
      if (view === null || due >= at) return;
      view = next;
      events.push({ kind: "view", at: due, ts: due * 1_000, agent, view });
    };
    if (view?.watches && known.watchedAt < known.at) {
      end(known.watchedAt, { ...view, vote: null, since: null, watches: false });
    }
    end(known.at, null);
    if (view !== known.view) agents[agent] = { ...known, view };
  }
  if (events.length === 0) return { votes, events };
  events.sort((one, other) => one.at - other.at || (one.agent < other.agent ? -1 : 1));
  return { votes: { ...votes, isOpen: true, agents }, events };
}

/** When `pass` next has something to do; null: never. */
export function passesAt({ agents }: SiteVotes): number | null {
  const due = Object.values(agents).filter(({ view }) => view !== null)
    .map(({ at, watchedAt, freshMs, view }) => (view!.watches ? watchedAt : at) + freshMs);
  return due.length === 0 ? null : Math.min(...due);
}

/** The last 21 results, all up. */
const ALL_UP = 2 ** 21 - 1;
/** Of 20 changes that there can be in them: from 30 % on, until they are no more than 25 %. */
const FLAPPING = { enter: 6, leave: 5 };

function changesIn(history: number): number {
  let changes = 0;
  for (let bits = (history ^ history >> 1) & ALL_UP >> 1; bits > 0; bits &= bits - 1) changes++;
  return changes;
}

const NONE = { up: 0, notDown: 0, bad: 0, down: 0, lost: 0 };

function count(
  before: AgentVotes | undefined,
  result: Observation,
  { failureThreshold, successThreshold }: CountRules,
  isAsked: boolean,
): AgentVotes {
  const { ts, at, intervalMs, freshMs, verdict, slots, location } = result;
  const spoke = before !== undefined && at - before.spokeAt <= before.freshMs;
  const last = spoke ? before.view : null;
  const then = spoke ? before.runs : NONE;
  const add = (goesOn: boolean, run: number) => goesOn ? run + slots : 0;
  const common = { intervalMs, freshMs, location, wellTs: before?.view?.wellTs ?? 0 };
  const wasFlapping = before?.view?.isFlapping ?? false;
  const isUnknown = !result.maintenance && verdict === "unknown";
  const isLost = isUnknown || verdict === "down";
  const lostRun = add(isLost, before?.view ? before.runs.lost : 0);
  const lost = (): Lost | null =>
    !isLost ? null : {
      at: before?.view?.lost?.at ?? at,
      ts: before?.view?.lost?.ts ?? ts,
      isUnknown,
      isTurned: lostRun >= failureThreshold,
    };
  const ours = { ts, at, intervalMs, freshMs };
  if (result.maintenance || isUnknown) {
    return {
      ...ours,
      spokeAt: before?.spokeAt ?? 0,
      watchedAt: isUnknown ? before?.watchedAt ?? 0 : at,
      runs: { ...then, lost: isUnknown ? lostRun : before?.runs.lost ?? 0 },
      history: before?.history ?? ALL_UP,
      view: {
        ...common,
        vote: last?.vote ?? null,
        abstains: isUnknown ? "unknown" : "maintenance",
        watches: !isUnknown || before?.view?.watches === true,
        lost: isUnknown ? lost() : before?.view?.lost ?? null,
        isFlapping: wasFlapping,
        since: last?.since ?? null,
        cause: isUnknown ? result.cause : last?.cause ?? "",
        seen: isUnknown ? result.seen : last?.seen ?? null,
      },
    };
  }
  const runs = {
    up: add(verdict === "up", then.up),
    notDown: add(verdict !== "down", then.notDown),
    bad: add(verdict !== "up", then.bad),
    down: add(verdict === "down", then.down),
    lost: lostRun,
  };
  let vote: Level | null = last?.vote ?? null;
  if (runs.down >= failureThreshold) vote = "down";
  else if (runs.up >= successThreshold) vote = "up";
  else if (
    runs.bad >= failureThreshold && (vote !== "down" || runs.notDown >= successThreshold)
  ) {
    vote = "degraded";
  }
  const isWell = verdict === "up" && vote !== "down" && vote !== "degraded";
  const isUp = verdict === "up";
  const first = isUp ? ALL_UP : 0;
  const history = (before?.history ?? first) << 1 & ALL_UP | (isUp ? 1 : 0);
  const view: View = {
    ...common,
    vote,
    abstains: null,
    watches: true,
    lost: lost(),
    isFlapping: changesIn(history) >= (wasFlapping ? FLAPPING.leave + 1 : FLAPPING.enter),
    wellTs: isAsked && !isLost ? ts : common.wellTs,
    since: isWell ? null : last?.since ?? ts,
    cause: isWell ? "" : verdict === "up" ? last?.cause ?? "" : result.cause,
    seen: isWell ? null : verdict === "up" ? last?.seen ?? null : result.seen,
  };
  return { ...ours, spokeAt: at, watchedAt: at, runs, history, view };
}

/** Whether the others need not be told: what a person reads is that of the moment it mattered. */
function isSame(one: View | null, other: View | null): boolean {
  if (one === null || other === null) return one === other;
  return one.vote === other.vote && one.abstains === other.abstains &&
    one.watches === other.watches && one.wellTs === other.wellTs &&
    one.isFlapping === other.isFlapping &&
    one.lost?.at === other.lost?.at && one.lost?.isUnknown === other.lost?.isUnknown &&
    one.lost?.isTurned === other.lost?.isTurned && one.intervalMs === other.intervalMs &&
    one.freshMs === other.freshMs;
}

import type { AlertRules } from "../../config/types.ts";
import type { Verdict } from "../../wire/message.ts";
import type { Seen } from "../message/message.ts";
import type { AlertEvent, Level, Moment, View } from "./view.ts";

/** What is taken from a result. */
export interface Observation extends Moment {
  site: number;
  agent: string;
  /** "maintenance": whatever was seen in one. */
  verdict: Verdict | "maintenance";
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
  events: AlertEvent[];
}

/** What a site's results are counted by. */
export interface CountRules extends Omit<AlertRules, "downWhen"> {
  /** Whether other sites depend on it: then each result that is well is told of. */
  isGateway: boolean;
  /** Percent of the due times that are to be good; where it has one, each result that is down is told of. */
  slo: number | null;
}

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

  const past = pass(result.site, votes, result.at);
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
  const { at, ts, site, agent } = result;
  const { view } = after;
  const isSilent = view!.abstains !== null;
  const events = [...past.events];
  if (rules.slo !== null && result.verdict === "down") {
    events.push({ kind: "void", at, ts, site, agent, detail: result.slots });
  }
  const isNews = !isSame(past.votes.agents[agent]?.view ?? null, view) ||
    past.votes.isOpen && !isSilent;
  if (isNews) events.push({ kind: "view", at, ts, site, agent, detail: view });
  return { votes: { now, isOpen: isSilent && (isNews || past.votes.isOpen), agents }, events };
}

/**
 * What becomes of the votes when no result comes until `at`: they stop to count, each at its time.
 *
 * @returns The very `votes` where nothing does
 */
export function pass(site: number, votes: SiteVotes, at: number): Heard {
  const events: AlertEvent[] = [];
  const agents = { ...votes.agents };
  for (const [agent, known] of Object.entries(votes.agents)) {
    let { view } = known;
    const end = (last: number, next: View | null) => {
      const due = last + (view?.freshMs ?? Infinity);
      if (due >= at) return;
      view = next;
      events.push({ kind: "view", at: due, ts: due * 1_000, site, agent, detail: view });
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
  const due = Object.values(agents).flatMap(({ at, watchedAt, view }) =>
    view === null ? [] : (view.watches ? watchedAt : at) + view.freshMs
  );
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
  const { ts, at, intervalMs, freshMs, verdict, slots, location, cause, seen } = result;
  const known = before?.view ?? null;
  /** How it saw the site, while that speaks. */
  const last = known && at - before!.spokeAt <= known.freshMs ? known : null;
  const runs = { ...last ? before!.runs : NONE, lost: known ? before!.runs.lost : 0 };
  const add = (run: keyof typeof NONE, goesOn: boolean) => {
    runs[run] = goesOn ? runs[run] + slots : 0;
  };
  const isUnknown = verdict === "unknown";
  const isLost = isUnknown || verdict === "down";
  if (verdict !== "maintenance") add("lost", isLost);
  const lost = {
    at: known?.lost?.at ?? at,
    ts: known?.lost?.ts ?? ts,
    isUnknown,
    isTurned: runs.lost >= failureThreshold,
  };
  const common = { intervalMs, freshMs, location, lost: isLost ? lost : null };
  const { vote = null, since = null } = last ?? {};
  const wellTs = known?.wellTs ?? 0;
  const wasFlapping = known?.isFlapping ?? false;
  const toldBefore = { cause: last?.cause ?? "", seen: last?.seen ?? null };

  if (verdict === "maintenance" || isUnknown) {
    const { spokeAt = 0, watchedAt = 0, history = ALL_UP } = before ?? {};
    const view = {
      ...{ ...common, vote, since, wellTs, abstains: verdict, isFlapping: wasFlapping },
      ...isUnknown
        ? { watches: known?.watches ?? false, cause, seen }
        : { watches: true, lost: known?.lost ?? null, ...toldBefore },
    };
    return { ts, at, spokeAt, watchedAt: isUnknown ? watchedAt : at, runs, history, view };
  }

  const isUp = verdict === "up";
  add("up", isUp);
  add("notDown", verdict !== "down");
  add("bad", !isUp);
  add("down", verdict === "down");
  const next = voteOf(vote, runs, failureThreshold, successThreshold);
  const isWell = isUp && next !== "down" && next !== "degraded";
  const history = (before?.history ?? (isUp ? ALL_UP : 0)) << 1 & ALL_UP | (isUp ? 1 : 0);
  const view = {
    ...common,
    ...{ vote: next, abstains: null, watches: true },
    isFlapping: changesIn(history) >= (wasFlapping ? FLAPPING.leave + 1 : FLAPPING.enter),
    wellTs: isAsked && !isLost ? ts : wellTs,
    since: isWell ? null : since ?? ts,
    ...isWell ? { cause: "", seen: null } : isUp ? toldBefore : { cause, seen },
  };
  return { ts, at, spokeAt: at, watchedAt: at, runs, history, view };
}

function voteOf(
  vote: Level | null,
  { up, notDown, bad, down }: AgentVotes["runs"],
  failureThreshold: number,
  successThreshold: number,
): Level | null {
  if (down >= failureThreshold) return "down";
  if (up >= successThreshold) return "up";
  const isNotDown = vote !== "down" || notDown >= successThreshold;
  return bad >= failureThreshold && isNotDown ? "degraded" : vote;
}

/** Of a view and of its `lost`, what others are told anew; what a person reads is of the moment it mattered. */
const TOLD = [
  ...["vote", "abstains", "watches", "isFlapping"] as const,
  ...["wellTs", "intervalMs", "freshMs"] as const,
];
const TOLD_LOST = ["at", "isUnknown", "isTurned"] as const;

function isSame(one: View | null, other: View | null): boolean {
  if (one === null || other === null) return one === other;
  return TOLD.every((key) => one[key] === other[key]) &&
    TOLD_LOST.every((key) => one.lost?.[key] === other.lost?.[key]);
}

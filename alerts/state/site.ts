import type { AlertRules } from "../../config/types.ts";
import type { Evidence, Kind } from "./change.ts";
import type { Missed, ObjectiveKind } from "./sites/objective.ts";
import type { Level, View } from "./view.ts";

/** What is known of a site; JSON, kept between rounds. Times are milliseconds since 1970. */
export interface SiteState {
  /** Null until the votes have said it once. */
  level: Level | "unobserved" | null;
  /** The incident that is open. */
  open: { kind: Kind; openedAt: number } | null;
  /** What the votes say, and is held back until it is plain whose fault it is. */
  wanted: Wanted | null;
  /** Whether it is or seems bad, and nothing is open, as what explains it is told of elsewhere. */
  isExcused: boolean;
  /** Whether more than half of those who watch it say so. */
  isFlapping: boolean;
  /** When nobody watched it any more; null while somebody does. */
  leftAt: number | null;
  objective: Objective;
  agents: Record<string, SeenBy>;
}

export interface Wanted {
  level: "down" | "degraded";
  at: number;
  /** Of the result that said it, the `openedAt` to be. */
  ts: number;
  /** From when on it opens whatever else is known. */
  until: number;
  /** Whether what excused it is over: it has until then to come up, too. */
  isAfter: boolean;
}

/** An agent that checks the site, or did. */
export interface SeenBy {
  /** Null: not any more. */
  view: View | null;
  /** Of the last event. */
  at: number;
  freshMs: number;
  /** Due times that are missed since it is lost to the agent, as far as they count. */
  missed: number;
}

/** Where a site stands with its objective. */
export interface Objective {
  missed: Missed;
  /** `openedAt` of those that are open. */
  open: Partial<Record<ObjectiveKind, number>>;
  /** An agent that has missed it, and seen nothing well since, so that it may be the agent. */
  unsure: string | null;
}

export function newSite(): SiteState {
  return {
    level: null,
    open: null,
    wanted: null,
    isExcused: false,
    isFlapping: false,
    leftAt: null,
    objective: { missed: [], open: {}, unsure: null },
    agents: {},
  };
}

/** A view that has a say. */
export type Voter = View & { agent: string; vote: Level };

/** @param counts Whether what an agent sees of it is believed */
export function votersOf(
  { agents }: SiteState,
  counts: (agent: string, view: View) => boolean,
): Voter[] {
  return Object.entries(agents).flatMap(([agent, { view }]) =>
    view === null || view.vote === null || view.abstains !== null || !counts(agent, view)
      ? []
      : [{ ...view, agent, vote: view.vote }]
  );
}

/**
 * What the votes make of a site: each rule of docs/alerts.md in a line.
 *
 * @param level What it was
 * @param votes At least one
 */
export function decide<L>(
  level: L,
  votes: readonly Voter[],
  downWhen: AlertRules["downWhen"],
): Level | L {
  const all = votes.length;
  const down = votes.filter(({ vote }) => vote === "down").length;
  const bad = votes.filter(({ vote }) => vote !== "up").length;
  const needed = typeof downWhen === "number"
    ? downWhen
    : { any: 1, majority: Math.floor(all / 2) + 1, all }[downWhen];
  const isMajority = (votes: number) => votes * 2 > all;
  if (down >= needed) return "down";
  if (level === "down" && !isMajority(all - down)) return level;
  if (bad >= needed) return "degraded";
  return isMajority(all - bad) ? "up" : level;
}

/** Those who voted for it, the first one first. */
export function votersFor(votes: readonly Voter[], level: "down" | "degraded"): Voter[] {
  return votes.filter(({ vote }) => level === "down" ? vote === "down" : vote !== "up")
    .sort((one, other) => one.since! - other.since! || (one.agent < other.agent ? -1 : 1));
}

/** What an agent saw. @param since Of the first result that speaks for it, microseconds since 1970 */
export function evidenceOf(
  agent: string,
  { location, cause, seen }: Pick<View, "location" | "cause" | "seen">,
  since: number,
): Evidence {
  return { agent, location, since, cause, seen };
}

import type { AlertRules } from "../../config/types.ts";
import type { Evidence, Kind } from "./change.ts";
import type { Level, View } from "./view.ts";

/** What is known of a site; JSON, kept between rounds. */
export interface SiteState {
  /** Null until the votes have said it once. */
  level: Level | "unobserved" | null;
  /** The incident that is open. */
  open: { kind: Kind; openedAt: number } | null;
  /** When nobody watched it any more, milliseconds since 1970; null while somebody does. */
  leftAt: number | null;
  agents: Record<string, SeenBy>;
}

/** An agent that checks the site, or did. */
export interface SeenBy {
  /** Null: not any more. */
  view: View | null;
  /** Of the last event, milliseconds since 1970. */
  at: number;
  freshMs: number;
}

export function newSite(): SiteState {
  return { level: null, open: null, leftAt: null, agents: {} };
}

/** A view that has a say. */
export type Voter = View & { agent: string; vote: Level };

export function votersOf({ agents }: SiteState): Voter[] {
  return Object.entries(agents).flatMap(([agent, { view }]) =>
    view === null || view.vote === null || view.abstains !== null
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

/** What those saw who voted for it, the first one first. */
export function evidenceOf(votes: readonly Voter[], level: "down" | "degraded"): Evidence[] {
  return votes.filter(({ vote }) => level === "down" ? vote === "down" : vote !== "up")
    .map(({ agent, location, since, cause }) => ({ agent, location, since: since!, cause }))
    .sort((one, other) => one.since - other.since || (one.agent < other.agent ? -1 : 1));
}

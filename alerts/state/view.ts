/** What a site can be said to be, from the results of those who check it. */
export type Level = "up" | "degraded" | "down";

/** How an agent sees a site, as far as it matters to anybody but the two. */
export interface View {
  /** Null until its results have said it. */
  vote: Level | null;
  /** What its last result was, where that takes the vote away. */
  abstains: "maintenance" | "unknown" | null;
  /** Whether its last result that was not unknown is fresh. */
  watches: boolean;
  /** The form of `ts`; of the first result that was bad, null where all is well. */
  since: number | null;
  location: string | null;
  /** For a person; empty where the vote is up and the last result too. */
  cause: string;
  /** Between two results. */
  intervalMs: number;
  /** How long a result speaks: two intervals and the timeout. */
  freshMs: number;
}

/** When something happened. */
export interface Moment {
  /** By the broker's clock, milliseconds since 1970. */
  at: number;
  /** Microseconds since 1970: of the result, by its agent's clock, where one made it happen. */
  ts: number;
}

/**
 * What is told of results, where it is more than that all is as it was. They are few, and are handed on
 * in the order of their time.
 */
export type AlertEvent =
  /** How an agent sees a site from now on; null: not at all any more. */
  | Moment & { kind: "view"; site: number; agent: string; view: View | null }
  /** An agent is alive: at most once in SEEN_MS for a partition. */
  | Moment & { kind: "seen"; agent: string };

/** How exactly it is known when an agent was heard last. */
export const SEEN_MS = 10_000;

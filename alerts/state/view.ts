import type { Seen } from "../message/message.ts";

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
  /** Results that were down or unknown, to the last one; null where that was neither. */
  lost: Lost | null;
  /** Whether it went up and down too often to be either. */
  isFlapping: boolean;
  /** `ts` of a result that was neither, as far as somebody must know of it; 0: of none. */
  wellTs: number;
  /** The form of `ts`; of the first result that was bad, null where all is well. */
  since: number | null;
  location: string | null;
  /** For a person; empty where the vote is up and the last result too. */
  cause: string;
  seen: Seen | null;
  /** Between two results. */
  intervalMs: number;
  /** How long a result speaks: two intervals and the timeout. */
  freshMs: number;
}

/** A run of results that were down or unknown. */
export interface Lost extends Moment {
  /** Whether the last one was unknown. */
  isUnknown: boolean;
  /** Whether they were enough for a vote. */
  isTurned: boolean;
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
 * in the order of their time. It is what a row of `alert_events` is.
 */
export type AlertEvent =
  & Moment
  & { site: number; agent: string }
  & (
    /** How the agent sees the site from now on; null: not at all any more. */
    | { kind: "view"; detail: View | null }
    /** So many due times of a site that has an objective found it down. */
    | { kind: "void"; detail: number }
    /** The agent is alive, of no site (0); "well": by a result that was up or degraded. */
    | { kind: "seen" | "well"; detail: null }
  );

import type { Seen } from "../message/message.ts";

/** Of whom an incident is. */
export type Subject = { site: number } | { agent: string; location: string | null };

/** What an agent that voted for an incident saw. */
export interface Evidence {
  agent: string;
  location: string | null;
  /** Of the first result of its run, microseconds since 1970. */
  since: number;
  cause: string;
  seen: Seen | null;
}

/** What kinds of incidents there are. */
export type Kind =
  | "down"
  | "degraded"
  | "unobserved"
  | "slo_fast"
  | "slo_slow"
  | "agent_silent"
  | "agent_network";

export type Severity = "critical" | "warning";

/** What an incident is told by. */
export interface IncidentKey {
  subject: Subject;
  kind: Kind;
  /** Microseconds since 1970. */
  openedAt: number;
}

/**
 * What becomes of an incident. Times are microseconds since 1970, but `at`: when it was decided, by the
 * broker's clock, in milliseconds.
 */
export type Change =
  & IncidentKey
  & { at: number }
  & (
    | { what: "opened"; severity: Severity; cause: string; evidence: Evidence[] }
    | { what: "resolved"; closedAt: number }
    /** It goes up and down too often to be told of, or does so no more. */
    | { what: "flapping"; isFlapping: boolean }
  );

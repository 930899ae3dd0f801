/**
 * The message: one JSON object a result, UTF-8, keyed by the URL.
 *
 * The first seven fields have these names and types for good. Everything else is optional, and a
 * reader ignores what it does not know. docs/message.md is the contract in prose.
 */

/** What a check says of its site. `unknown` is the monitor's own trouble, outside uptime. */
export type Verdict = "up" | "degraded" | "down" | "unknown";

/** All verdicts, in the order of their codes in the tables. */
export const VERDICTS: readonly Verdict[] = ["up", "degraded", "down", "unknown"];

/** One result of one check, as it travels. */
export interface ResultMessage {
  /** Start of the check, UTC, "YYYY-MM-DD HH:MM:SS.ffffff"; unique for a site of an agent. */
  ts: string;
  /** The agent's UUID, lower case. */
  agentUUID: string;
  /** The URL exactly as the config writes it. */
  url: string;
  /** Whether the regex matched; null where the site has none or no body came. */
  regexResult: boolean | null;
  /** The HTTP status; null when no response came. */
  responseCode: number | null;
  /** Milliseconds from the start of the check to the last byte, or to the failure. */
  responseTime: number;
  /** What went wrong, at most 256 characters; null when a full response came. */
  errorMessage: string | null;

  /** The site's name, where the config gives it one; then the name is its identity. */
  site?: string;
  verdict?: Verdict;
  /** The rule or the error class that decided a verdict other than "up". */
  reason?: string;
  /** A stable class of what went wrong, "connection_refused" for one; see docs/error-classes.md. */
  errorClass?: string;
  /** When the check was due, in the form of `ts`. */
  scheduledAt?: string;
}

/** The most characters that `errorMessage` may have. */
export const MAX_ERROR_MESSAGE = 256;

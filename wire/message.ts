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
  /** Seconds between the site's due times. */
  frequency?: number;
  /**
   * The due times that this result answers for: its own, and those that passed while its check ran.
   * Uptime is counted in these. Absent: 1.
   */
  slots?: number;
  /** Tries within the check. Absent: 1. */
  attempts?: number;
  /** The reason of the first of several attempts. */
  firstReason?: string;
  /** The agent's own worst delay while it checked, milliseconds; absent up to 5 ms. */
  loopDelay?: number;
  /** Of the last hop, milliseconds; they add up to that hop's time. */
  phases?: Phases;
  /** Bytes of the decoded body that were read. */
  bodyBytes?: number;
  /** Whether the body was longer than what was read. */
  bodyTruncated?: boolean;
  /** The address that answered, without a port. */
  remoteAddress?: string;
  /** "1.0", "1.1" or "2". */
  httpVersion?: string;
  /** Each request but the last one, where there was more than one. */
  redirects?: Redirect[];
  tls?: TlsInfo;
  /** Where the agent stands. */
  location?: string;
  /** The agent's labels. */
  labels?: Record<string, string>;
  /** The site's labels; `group` is the conventional one. */
  siteLabels?: Record<string, string>;
  /** True where the check fell into a maintenance of its site. */
  maintenance?: boolean;
  /** What the site answered, where the verdict is down or degraded. */
  evidence?: Evidence;
}

/** Milliseconds each, fractions kept. */
export interface Phases {
  dns: number;
  connect: number;
  tls: number;
  firstByte: number;
  download: number;
}

/** A request that was answered by a redirect. */
export interface Redirect {
  url: string;
  status: number;
  ms: number;
}

/** What was agreed on and shown when the connection was made secure. */
export interface TlsInfo {
  /** "TLSv1.3" */
  version: string | null;
  cipher: string | null;
  verified: boolean;
  /** Why not; null when verified. */
  error: string | null;
  /** The first end of validity in the chain, in the form of `ts`; null without a chain. */
  expiresAt: string | null;
  /** SHA-256 of the site's own certificate, "AB:CD:..."; null without one. */
  fingerprint: string | null;
  /**
   * The site's own certificate first. Only in a site's first result after the agent's start, when the
   * chain changed, and once a day.
   */
  chain?: Certificate[];
}

export interface Certificate {
  subject: string;
  issuer: string;
  /** "DNS:example.org" */
  names: string[];
  serial: string;
  /** SHA-256, "AB:CD:..." */
  fingerprint: string;
  /** In the form of `ts`. */
  notBefore: string;
  notAfter: string;
}

/** What a site answered, with secrets and cookies taken out. */
export interface Evidence {
  /** "HTTP/1.1 503 Service Unavailable"; null where no response came. */
  statusLine: string | null;
  headers: Record<string, string>;
  /** The first 2 KiB, as text; null where there is none. */
  body: string | null;
}

/** The most characters that `errorMessage` may have. */
export const MAX_ERROR_MESSAGE = 256;

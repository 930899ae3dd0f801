/** Why something is sent. */
export type NoticeEvent = "opened" | "acknowledged" | "reminder" | "resolved" | "test";

/** What a check saw that was not up. */
export interface Seen {
  /** The rule or the error class that decided. */
  reason?: string;
  status?: number;
  /** Milliseconds of the whole check, and of its parts. */
  ms?: number;
  phases?: Readonly<Record<string, number>>;
  /** That answered. */
  address?: string;
  /** "HTTP/1.1 503 Service Unavailable" */
  answer?: string;
  /** SHA-256 of the site's certificate, where TLS failed. */
  certificate?: string;
}

/** An incident as it is told of; times are ISO 8601, UTC. What a webhook's `incident` is. */
export interface Incident {
  id: string;
  /** The name of what is meant: a site's, or that of an agent or a channel. */
  site: string;
  /** Empty where it is no site. */
  url: string;
  kind: string;
  severity: string;
  openedAt: string;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  closedAt: string | null;
  cause: string;
  locations: readonly string[];
  /** What each agent saw, the first one first. */
  evidence: readonly {
    agent: string;
    location: string | null;
    since: string;
    cause: string;
    seen?: Seen | null;
  }[];
  labels: Readonly<Record<string, string>>;
  /** Whether the site goes up and down all the time, so that the incident stays open until it does not. */
  flapping: boolean;
  /** How it was in the 30 days before; null where it is no site, or nobody asked. */
  before: {
    /** When the last incident was over; null: there was none. */
    wellSince: string | null;
    incidents: number;
    seconds: number;
  } | null;
  /** Of the dashboard; null where the config says none. */
  link: string | null;
}

/** One thing to send: what happened to one incident, or to several alike. */
export interface Message {
  /** The same at each try. */
  key: string;
  /** The key of the message that told that it opened: what belongs together has the same. */
  thread: string;
  event: NoticeEvent;
  /** Of what is resolved: nobody was told that it had opened. */
  includesOpening: boolean;
  /** At least one. */
  incidents: readonly Incident[];
  /** How many of those that were told of in the thread are open still. */
  left: number;
}

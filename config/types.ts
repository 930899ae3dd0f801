/**
 * What a loaded config is: every default filled in, every secret read, durations in milliseconds.
 * The YAML's own keys are in schema.ts; each mode is handed only the part that it needs. A part that
 * the mode does not use may hold defaults in place of what the file says (see modes.ts).
 */

import type { Auth } from "../agent/auth/index.ts";
import type { SiteRules } from "../agent/rules/index.ts";
import type { Channel } from "../alerts/channels/index.ts";
import type { AgentConfig } from "./agent.ts";
import type { KafkaConfig } from "./kafka.ts";
import type { Matcher } from "./matchers.ts";
import type { Secret } from "./source/outside.ts";
import type { WriterConfig } from "./writer.ts";

export type { AgentConfig, KafkaConfig, WriterConfig };

export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

export interface Config {
  loglevel: LogLevel;
  /** Always there: a file without the section gets the defaults. */
  kafka: KafkaConfig;
  /** Those to check. */
  sites: readonly Site[];
  /** Those that say `enabled: false`. */
  disabledSites: readonly Site[];
  /** Settings by the name of a template, the defaults among them. */
  templates: Readonly<Record<string, SiteSettings>>;
  /** Those of a site of which the file says nothing but the URL. */
  siteDefaults: SiteSettings;
  agent: AgentConfig;
  writer: WriterConfig;
  alerts: AlertsConfig;
  web: WebConfig;
  /** Null where the file names no database. */
  database: DatabaseConfig | null;
  /** Where included files are looked for: absolute, with "*" and "?" in them. */
  includePatterns: readonly string[];
  /** What came from the environment or a file, which is not to be shown. */
  secrets: readonly Secret[];
  /** The DSN as the YAML has it; null where nothing in it came from elsewhere. */
  dsnAsWritten: string | null;
}

/** One thing to check. */
export interface Site extends SiteSettings {
  /** The name given in the config; null where the URL itself is the key. */
  name: string | null;
  /** Exactly as written, for results: a secret in it is there as "${NAME}". */
  url: string;
  /** What is asked for: `url` with its secrets. */
  requestUrl: string;
}

/** How a site is checked. */
export interface SiteSettings {
  timeoutMs: number;
  frequencyMs: number;
  /** How often a check that finds the site down is tried in all, and how long after the one before. */
  retries: { attempts: number; delayMs: number };
  /** "timed" sees every phase and the certificate; "fetch" is the platform's own. */
  client: "timed" | "fetch";
  request: SiteRequest;
  /** Null: none. */
  auth: Auth | null;
  rules: SiteRules;
  /** Whether a result that is down or degraded keeps what the site answered. */
  evidence: boolean;
  /** When results are marked as of a maintenance. */
  maintenance: readonly Maintenance[];
  /** Names of those that are told of its incidents; null: all. */
  channels: readonly string[] | null;
  alerting: SiteAlerting;
  /** Go into each result of the site. */
  labels: Readonly<Record<string, string>>;
  /** What was put into its settings from the environment or a file. */
  secrets: readonly Secret[];
}

/** What a site says of its incidents. */
export interface SiteAlerting {
  /** Those that are its own. */
  rules: Partial<AlertRules>;
  /** Identities, or keys of the YAML, which are the same: of sites without which it cannot be up. */
  dependsOn: readonly string[];
  /** Percent of the due times in 30 days; null: nobody counts. */
  slo: number | null;
}

/** How a site is asked. */
export interface SiteRequest {
  method: string;
  /** Names as written; user_agent is among them. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Null: no body. */
  body: Uint8Array | null;
  /** Decoded body bytes that are read; the rest is cut and flagged. */
  readBodyBytes: number;
  /** "any": also from a public site into a private network. */
  followRedirects: boolean | "any";
  maxRedirects: number;
  /** Whether cookies are kept from redirect to redirect. */
  cookies: boolean;
  /** "auto": what the site chooses by ALPN; "2": nothing else over TLS. */
  httpVersion: "auto" | "1.1" | "2";
  /** "auto": IPv6 first where the resolver says so, the other soon after if it hangs. */
  ipVersion: "auto" | "4" | "6";
  /** Host name, lower case -> address to connect to in its place, for one backend of many. */
  resolve: Readonly<Record<string, string>>;
  /** "http://[user:password@]host:port", or https:// or socks5://; every hop goes through it. */
  proxy: string | null;
  /** Whether a connection left over from an earlier check may serve. */
  reuseConnection: boolean;
  /** Null where no key of `tls` is given. */
  tls: SiteTls | null;
}

/** How TLS is spoken to a site; PEM texts, not file names. */
export interface SiteTls {
  /** Trusted in place of the system's authorities and the runtime's. */
  ca: string | null;
  /** The client's certificate and key; shown to the first origin only, never after a redirect away. */
  cert: string | null;
  key: string | null;
  /** Sent as SNI and looked for in the certificate, in place of the URL's host. */
  serverName: string | null;
  /** Go on though the certificate does not verify; the record still says that it does not. */
  insecure: boolean;
}

/** A time in which a site may be down. */
export type Maintenance =
  /** Starts at each time of a cron expression, in a time zone, and lasts so long. */
  | { kind: "cron"; cron: string; durationMs: number; timeZone: string }
  /** From one moment to another, milliseconds since 1970. */
  | { kind: "once"; from: number; to: number };

/** The identity of a site: its name where it has one, else its URL. */
export function siteId(site: Pick<Site, "name" | "url">): string {
  return site.name ?? site.url;
}

/** A TCP address to serve on. */
export interface Listen {
  host: string;
  port: number;
}

export interface AlertsConfig {
  rules: AlertRules;
  /** By name. */
  channels: Readonly<Record<string, Channel>>;
  /** The first one that matches says who is told. */
  routes: readonly AlertRoute[];
  /** Between two reminders of an incident; null: there are none. */
  reminderMs: number | null;
  /** Asked every minute while all is well; null: nothing is. */
  heartbeatUrl: string | null;
  /** How long sites of one host are waited for, to be told of together. */
  groupWaitMs: number;
  /** Where /metrics, /healthz and /readyz are served; null: nowhere. */
  listen: Listen | null;
}

export interface AlertRoute {
  /** All of which must hold. */
  matchers: readonly Matcher[];
  channels: readonly string[];
  /** Whether the next one that matches is followed as well. */
  goesOn: boolean;
}

/** By which agents' results become votes, and votes a site's state. */
export interface AlertRules {
  /** Slots down (or degraded) in a row. */
  failureThreshold: number;
  /** Slots up in a row. */
  successThreshold: number;
  /** When a site is down: as many of the votes that there are, or this many agents. */
  downWhen: "any" | "majority" | "all" | number;
}

/** What somebody may do in the dashboard and the API: see all, or also acknowledge, silence, replay. */
export type Role = "view" | "operate";

/** Who may use the dashboard and the API; with no users, tokens or proxies, who is on this machine. */
export interface WebAccess {
  /** By name; the password is a hash of web/access/password.ts. */
  users: Readonly<Record<string, { password: string; role: Role }>>;
  /** The hash is hexadecimal. */
  tokens: readonly { name: string; sha256: string; role: Role }[];
  /** The header in which proxies at these addresses name the user, and those who may operate. */
  proxyHeader: { name: string; from: readonly string[]; operate: readonly string[] } | null;
  /** What sessions are signed with; null: something new at each start. */
  secret: string | null;
}

/** The page for the public. */
export interface WebStatus {
  title: string;
  /** Values of the label "group" of the sites on it, in their order. */
  groups: readonly string[];
  /** An image; null: none. */
  logo: { type: string; bytes: Uint8Array } | null;
  /** "#rrggbb" by a name of the stylesheet's, "accent" or "up" for two. */
  colours: Readonly<Record<string, string>>;
  /** Where its logo leads; null: nowhere. */
  homepage: string | null;
}

export interface WebConfig {
  listen: Listen;
  /** Under which others reach it, without a slash at its end; null: where it listens. */
  publicUrl: string | null;
  /** What it is called. */
  title: string;
  /** Base URLs of the `listen` of agents, writers and alerters, to ask for more than is stored. */
  ops: readonly string[];
  access: WebAccess;
  /** Null: there is none. */
  status: WebStatus | null;
}

export interface DatabaseConfig {
  /** postgres://... or libpq key=value; a secret. */
  dsn: string;
  /** Of a role that only reads, for the dashboard; null: `dsn`, in transactions that only read. */
  readerDsn: string | null;
  retention: RetentionConfig;
}

/** Days that things are kept, today not counted; null: for ever. */
export interface RetentionConfig {
  /** Results. */
  raw: number | null;
  /** Rollups by hour; as long as results, or longer. */
  hourly: number | null;
  /** Rollups by day; as long as those by hour, or longer. Those by month are never dropped. */
  daily: number | null;
  /** What sites answered; no longer than results. */
  evidence: number | null;
  deadLetters: number | null;
}

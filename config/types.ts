/**
 * What a loaded config is: every default filled in, every secret read, durations in milliseconds.
 * The YAML's own keys are in schema.ts; each mode is handed only the part that it needs. A part that
 * the mode does not use may hold defaults in place of what the file says (see modes.ts).
 */

export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

export interface Config {
  loglevel: LogLevel;
  /** Always there: a file without the section gets the defaults. */
  kafka: KafkaConfig;
  sites: readonly Site[];
  agent: AgentConfig;
  writer: WriterConfig;
  /** Null where the file names no database. */
  database: DatabaseConfig | null;
}

export interface KafkaConfig {
  /** host:port each; an IPv6 address is in brackets. */
  bootstrapServers: readonly string[];
  /** The files' contents (PEM); null where the key is not given. TLS is used when any is given or `ssl` is true. */
  tls: { ca: string | null; cert: string | null; key: string | null } | null;
  sasl: {
    mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    username: string;
    password: string;
  } | null;
  topic: string;
  /** For a topic that we make. */
  topicPartitions: number;
  /** -1: the broker's default. */
  topicReplicationFactor: number;
  /** -1: for ever. */
  topicRetentionMs: number;
  consumerGroup: string;
  batchTimeoutMs: number;
  /** -1 is "all". */
  acks: 0 | 1 | -1;
  requestTimeoutMs: number;
}

/** One thing to check. */
export interface Site {
  /** The name given in the config; null where the URL itself is the key. */
  name: string | null;
  /** Exactly as written. */
  url: string;
  validStatusCodes: readonly number[];
  /** RE2 syntax, for compileRegex() of regex.ts; null: no regex. */
  regex: string | null;
  timeoutMs: number;
  frequencyMs: number;
}

/** The identity of a site: its name where it has one, else its URL. */
export function siteId(site: Pick<Site, "name" | "url">): string {
  return site.name ?? site.url;
}

export interface AgentConfig {
  /** Null: the one kept in the state folder, made at the first start. */
  uuid: string | null;
  /** Absolute. */
  stateDir: string;
  maxConcurrentChecks: number;
  outboxMaxBytes: number;
  outboxMaxAgeMs: number;
  shutdownTimeoutMs: number;
}

export interface WriterConfig {
  maxBatchMessages: number;
  shutdownTimeoutMs: number;
}

export interface DatabaseConfig {
  /** postgres://... or libpq key=value; a secret. */
  dsn: string;
}

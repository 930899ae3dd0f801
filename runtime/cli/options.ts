import type { Mode, ServiceMode } from "./modes.ts";

/** What the modes take beside the config; what is not of the mode is empty, null or false. */
export interface RunOptions extends CheckOptions, RecordOptions {
  /**
   * What stands behind the mode. "check": URLs, or names of sites, one at least. "import": what the
   * files are of, and the files. "restore": a file.
   */
  args: readonly string[];
  /** Mode "agent": takes over the config when its file changes. */
  watch: boolean;
  /** Says what it would do, and does nothing. */
  dryRun: boolean;
  /** Mode "check-config": tries what the config names. */
  connect: boolean;
  /** Mode "check-config": the mode that the config is for; null: it does not matter. */
  as: ServiceMode | null;
  /** Mode "alerts": sends a sample to this channel, and nothing else. */
  test: string | null;
  /** Mode "silence": for how long ("2h") and why, or the number of one to end. */
  forTime: string | null;
  why: string | null;
  end: string | null;
  /** Mode "web": prints the hash of a password, and does nothing else. */
  hashPassword: boolean;
  /** Mode "web": the folder that the status page is written to; null: it serves. */
  export: string | null;
  /** How the log looks; null: as standard error is a terminal or not. */
  log: typeof LOOKS[number] | null;
}

/** What `check` takes beside what is checked: how, and how it is shown. Names are those of curl. */
export interface CheckOptions {
  /** "Name: value" each; "Name:" takes one away. */
  header: readonly string[];
  request: string | null;
  data: string | null;
  insecure: boolean;
  ipv4: boolean;
  ipv6: boolean;
  /** "host:port:address" or "host:address" each. */
  resolve: readonly string[];
  /** Seconds. */
  timeout: number | null;
  /** How often each is checked. */
  repeat: number;
  verbose: boolean;
  /** The records as the wire has them. */
  json: boolean;
}

/** What the modes that read the record take. */
export interface RecordOptions {
  /** First moment that is in: as PostgreSQL reads times, UTC where no zone is given, or "7d" ago. */
  since: string | null;
  /** First moment that is out. */
  until: string | null;
  /** A site's name, or its URL where it has none. */
  site: string | null;
  /** All sites of this URL. */
  url: string | null;
  limit: number | null;
  tail: number | null;
  from: typeof FROM[number];
  /** One of the mode's `FORMATS`. */
  format: typeof FORMATS[keyof typeof FORMATS][number];
  /** Of dead letters. */
  reason: string | null;
  /** "2026-10" */
  month: string | null;
  freeze: boolean;
  verify: boolean;
}

/** What modes can print; the first is the default. */
export const FORMATS = {
  dbdump: ["json", "csv", "parquet"],
  report: ["text", "json", "html"],
} as const;

/** Where the config is looked for when nothing says otherwise. */
export const DEFAULT_CONFIG = "config/config.yaml";

/** How the log can look. */
export const LOOKS = ["pretty", "json"] as const;

/** What `dbdump` reads; the first is the default. */
export const FROM = ["raw", "hourly", "daily", "monthly"] as const;

/** An option, and the modes that take it. */
export interface Option {
  /** Absent: all. */
  modes?: readonly Mode[];
  short?: string;
  /** What its value is; absent: it has none. */
  value?: string;
  /** Whether it may be given several times. */
  isMany?: true;
  help: string;
}

/** The options. */
export const OPTIONS: Readonly<Record<string, Option>> = {
  log: { value: "LOOK", help: "how the log looks: pretty (at a terminal) or json" },
  watch: { modes: ["agent"], help: "take over the config when its file changes, as at SIGHUP" },
  connect: {
    modes: ["check-config"],
    help: "try broker, topic, group, database, tables and rights, too",
  },
  as: {
    modes: ["check-config"],
    value: "MODE",
    help: "only what this mode needs, as its login has it",
  },
  test: {
    modes: ["alerts"],
    value: "CHANNEL",
    help: "send a sample to this channel, print its answer, and end",
  },
  for: { modes: ["silence"], value: "TIME", help: "how long: 30m, 2h, 7d" },
  why: { modes: ["silence"], value: "TEXT", help: "for those who see it" },
  end: { modes: ["silence"], value: "ID", help: "end this one now" },
  since: {
    modes: ["dbdump", "replay"],
    value: "TIME",
    help: "only what is of this time or later, UTC unless it says otherwise, or 7d ago",
  },
  until: { modes: ["dbdump"], value: "TIME", help: "only results before this time" },
  site: {
    modes: ["dbdump", "report"],
    value: "SITE",
    help: "only the site of this name, or of this URL where it has no name",
  },
  url: { modes: ["dbdump"], value: "URL", help: "only this URL, whatever the sites' names" },
  limit: { modes: ["dbdump"], value: "N", help: "at most N results, the oldest ones" },
  tail: { modes: ["dbdump"], value: "N", help: "at most N results, the newest ones" },
  from: {
    modes: ["dbdump"],
    value: "WHAT",
    help: "raw (results), hourly, daily or monthly (rollups) [default: raw]",
  },
  format: {
    modes: ["dbdump", "report"],
    value: "FORMAT",
    help: "dbdump: json (lines), csv or parquet; report: text, json or html [default: the first]",
  },
  reason: { modes: ["replay"], value: "REASON", help: "only dead letters of this reason" },
  month: { modes: ["report"], value: "MONTH", help: "2026-10 for one [default: the last one]" },
  freeze: { modes: ["report"], help: "keep the figures of a closed month for good" },
  verify: { modes: ["report"], help: "hold the figures that were kept against the record" },
  header: {
    modes: ["check"],
    short: "H",
    value: "LINE",
    isMany: true,
    help: 'send the header "Name: value"; "Name:" sends none of it',
  },
  request: { modes: ["check"], short: "X", value: "METHOD", help: "ask with another method" },
  data: {
    modes: ["check"],
    short: "d",
    value: "TEXT",
    help: "send a body, by POST unless -X says otherwise; @FILE takes a file's",
  },
  insecure: { modes: ["check"], short: "k", help: "go on whatever the certificate says" },
  ipv4: { modes: ["check"], short: "4", help: "over IPv4 alone" },
  ipv6: { modes: ["check"], short: "6", help: "over IPv6 alone" },
  resolve: {
    modes: ["check"],
    value: "HOST:ADDR",
    isMany: true,
    help: "connect to this address for the host; HOST:PORT:ADDR, too",
  },
  timeout: { modes: ["check"], value: "SECONDS", help: "how long the check may take" },
  repeat: {
    modes: ["check"],
    value: "N",
    help: "check N times, and show the least, the median and the 95th percentile",
  },
  verbose: {
    modes: ["check"],
    short: "v",
    help: "show the heads of request and response, and every address tried",
  },
  json: { modes: ["check"], help: "print each record as it is published, on one line" },
  "hash-password": { modes: ["web"], help: "read a password, and print its hash for web.users" },
  export: {
    modes: ["web"],
    value: "DIR",
    help: "write the status page and its feeds to this folder, and end",
  },
  "dry-run": { modes: ["maintain", "replay"], help: "say what it would do, and do nothing" },
};

/** Modes that take arguments without an option: how they are shown, and how many there are. */
export const ARGS: Partial<Record<Mode, { usage: string; least: number; most: number }>> = {
  check: { usage: "URL|SITE ...", least: 1, most: Infinity },
  import: { usage: "blackbox|gatus|kuma|urls FILE ...", least: 2, most: Infinity },
  silence: { usage: "[SITE|LABEL=VALUE ...|all]", least: 0, most: Infinity },
  restore: { usage: "[FILE|-]", least: 0, most: 1 },
};

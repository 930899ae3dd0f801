/** The modes, each with the line that `--help` shows of it. */
export const MODES = {
  agent: "check the configured sites and publish every result to Kafka",
  writer: "store published results in PostgreSQL, each once",
  alerts: "turn results into incidents, and tell of them",
  silence: "tell nobody of some incidents for a time; list or end what is silenced",
  web: "serve the dashboard, the status page and the API",
  "init-schema": "make or upgrade the tables; safe to run at any time",
  maintain: "one round of rollups, retention and partitions, as writers do in the background",
  dbdump: "print stored results or rollups, as JSON lines, CSV or Parquet",
  restore: "store results that dbdump printed, or messages; those that are there stay",
  replay: "store dead letters whose cause is gone",
  report: "a month of each site: uptime, minutes down, failures, percentiles, gaps",
  check: "check one URL or site of the config now, and print all that was seen",
  import: "write a config from another monitor's: blackbox_exporter, Gatus, Uptime Kuma, URLs",
  "check-config": "print what the config makes run, or all that is wrong with it",
} as const;

export type Mode = keyof typeof MODES;

/** Whether `name` is a mode's. */
export function isMode(name: string): name is Mode {
  return Object.hasOwn(MODES, name);
}

/** Modes that go on at SIGHUP, and take over the config anew or say that they do not; others stop. */
export const RELOADING_MODES: ReadonlySet<Mode> = new Set<Mode>([
  "agent",
  "writer",
  "alerts",
  "web",
]);

/** Modes that need a broker or a database. */
export const SERVICE_MODES = [
  "agent",
  "writer",
  "alerts",
  "silence",
  "web",
  "init-schema",
  "maintain",
  "dbdump",
  "restore",
  "replay",
  "report",
] as const satisfies readonly Mode[];

export type ServiceMode = typeof SERVICE_MODES[number];

import { parseArgs } from "@std/cli/parse-args";
import { closest, distance } from "fastest-levenshtein";
import { UsageError } from "./exit_codes.ts";
import { isMode, type Mode, MODES } from "./modes.ts";

/** What the command line and the environment ask for. */
export type Command =
  | { kind: "help"; mode: Mode | null }
  | { kind: "version" }
  | RunCommand;

/** A mode to run. */
export interface RunCommand {
  kind: "run";
  mode: Mode;
  configPath: string;
  /** Whether the arguments or the environment named it; else it is the default. */
  isConfigNamed: boolean;
  options: RunOptions;
}

/** What the modes take beside the config; what is not of the mode is null or false. */
export interface RunOptions extends DumpOptions {
  /** Mode "check": a URL, or the name of a site; never null there. Mode "restore": a file. */
  target: string | null;
  /** Mode "check": the record as the wire has it. */
  json: boolean;
  /** Mode "agent": takes over the config when its file changes. */
  watch: boolean;
  /** Mode "replay": only dead letters of this reason. */
  reason: string | null;
  /** Mode "replay": says what it would do, and does nothing. */
  dryRun: boolean;
}

/** What `dbdump` takes beside the config; `replay` takes `since` as well. */
export interface DumpOptions {
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
  from: typeof CHOICES["from"][number];
  format: typeof CHOICES["format"][number];
}

/** What some options can be; the first is the default. */
export const CHOICES = {
  from: ["raw", "hourly", "daily", "monthly"],
  format: ["json", "csv", "parquet"],
} as const;

/** Where the config is looked for when nothing says otherwise. */
export const DEFAULT_CONFIG = "config/config.yaml";

/** The options that belong to some modes. */
const MODES_OF_OPTION: Readonly<Record<string, readonly Mode[]>> = {
  since: ["dbdump", "replay"],
  until: ["dbdump"],
  site: ["dbdump"],
  url: ["dbdump"],
  limit: ["dbdump"],
  tail: ["dbdump"],
  from: ["dbdump"],
  format: ["dbdump"],
  reason: ["replay"],
  "dry-run": ["replay"],
  json: ["check"],
  watch: ["agent"],
};
const BOOLEANS = ["help", "version", "json", "watch", "dry-run"];
const STRINGS = [
  "config",
  "mode",
  ...Object.keys(MODES_OF_OPTION).filter((name) => !BOOLEANS.includes(name)),
];
/** Modes that one argument without an option may follow, and what it is. */
const TARGETS: Partial<Record<Mode, string>> = { check: "URL|SITE", restore: "[FILE|-]" };

/**
 * Reads the command line: `httpmon [-h] [-v] [-c FILE] [-m MODE]` or `httpmon MODE`. The environment
 * is asked only for what the arguments leave open, so that `--help` needs no permission.
 *
 * @param env Reads one variable of the environment
 * @throws {UsageError} For an argument that is unknown, empty, or of another mode
 */
export function parseCommand(
  args: readonly string[],
  env: (name: string) => string | undefined,
): Command {
  const parsed = parseArgs(args, {
    string: STRINGS,
    boolean: BOOLEANS,
    alias: { help: "h", version: "v", config: "c", mode: "m" },
    unknown: (arg, key) => {
      if (key !== undefined) throw unknownOption(arg);
      return true;
    },
  });
  const positional = parsed._.map(String);
  // "-m check URL": the one argument without an option is the mode's target.
  if (parsed.mode in TARGETS && positional[0] !== parsed.mode) positional.unshift(parsed.mode);
  const named = positional[0] ?? parsed.mode;
  if (parsed.help) {
    return { kind: "help", mode: typeof named === "string" && isMode(named) ? named : null };
  }
  if (parsed.version) return { kind: "version" };

  for (const name of STRINGS) {
    if (parsed[name] === "") throw new UsageError(`Option "--${name}" needs a value`);
  }
  const surplus = positional[named in TARGETS ? 2 : 1];
  if (surplus !== undefined) throw new UsageError(`Unexpected argument "${surplus}"; see --help`);
  if (positional[0] && parsed.mode && positional[0] !== parsed.mode) {
    throw new UsageError(`Two modes are given, "${positional[0]}" and "${parsed.mode}"`);
  }
  const mode = named ?? env("APP_MODE");
  if (!mode) {
    throw new UsageError(`No mode is given; it is one of ${Object.keys(MODES).join(", ")}`);
  }
  if (!isMode(mode)) {
    const near = closest(mode, Object.keys(MODES));
    const hint = distance(mode, near) <= 3 ? `, did you mean "${near}"?` : "";
    throw new UsageError(
      `Unknown mode "${mode}"${hint || `; it is one of ${Object.keys(MODES).join(", ")}`}`,
    );
  }
  const configPath = parsed.config ?? (env("APP_CONFIG") || null);
  return {
    kind: "run",
    mode,
    configPath: configPath ?? DEFAULT_CONFIG,
    isConfigNamed: configPath !== null,
    options: runOptions(parsed, mode, positional[1] ?? null),
  };
}

function runOptions(
  parsed: Record<string, unknown>,
  mode: Mode,
  target: string | null,
): RunOptions {
  for (const [name, owners] of Object.entries(MODES_OF_OPTION)) {
    if (!owners.includes(mode) && parsed[name] !== undefined && parsed[name] !== false) {
      throw new UsageError(`Option "--${name}" belongs to mode "${owners.join('" or "')}"`);
    }
  }
  if (mode === "check" && !target) {
    throw new UsageError('Mode "check" needs a URL, or the name of a site of the config');
  }
  return {
    ...dumpOptions(parsed),
    target,
    json: parsed.json === true,
    watch: parsed.watch === true,
    reason: parsed.reason as string | undefined ?? null,
    dryRun: parsed["dry-run"] === true,
  };
}

function dumpOptions(parsed: Record<string, unknown>): DumpOptions {
  const { since = null, until = null, site = null, url = null } = parsed as Record<
    string,
    string | undefined
  >;
  for (const [name, value] of Object.entries({ since, until })) {
    if (value !== null && !/^\d{1,6}[smhdw]$/.test(value) && Number.isNaN(Date.parse(value))) {
      throw new UsageError(
        `Option "--${name}" needs a time such as 2026-01-31, "2026-01-31 12:00:00" or 7d, ` +
          `found "${value}"`,
      );
    }
  }
  const [limit, tail] = [numberOf("limit", parsed.limit), numberOf("tail", parsed.tail)];
  if (limit !== null && tail !== null) {
    throw new UsageError('Options "--limit" and "--tail" exclude each other');
  }
  const [from, format] = [choiceOf("from", parsed.from), choiceOf("format", parsed.format)];
  return { since, until, site, url, limit, tail, from, format };
}

function numberOf(name: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (/^\d{1,15}$/.test(String(value))) return Number(value);
  throw new UsageError(`Option "--${name}" needs a whole number, found "${value}"`);
}

function choiceOf<N extends keyof typeof CHOICES>(name: N, value: unknown) {
  const choices: readonly (typeof CHOICES)[N][number][] = CHOICES[name];
  const choice = value === undefined ? choices[0] : choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw new UsageError(`Option "--${name}" is one of ${choices.join(", ")}, found "${value}"`);
}

function unknownOption(arg: string): UsageError {
  const name = arg.replace(/^-+/, "").replace(/=.*/s, "");
  const near = closest(name, [...STRINGS, ...BOOLEANS]);
  const hint = distance(name, near) <= 2 ? `, did you mean "--${near}"?` : "; see --help";
  return new UsageError(`Unknown option "${arg}"${hint}`);
}

/** What `--help` says of the options of one mode. */
const MODE_HELP: readonly [mode: Mode, lines: readonly string[]][] = [
  ["agent", [
    "  --watch             take over the config when its file changes, as at SIGHUP",
  ]],
  ["dbdump", [
    "  --since TIME        only results from this time on, UTC unless it says otherwise, or 7d ago",
    "  --until TIME        only results before this time",
    "  --site SITE         only results of the site of this name, or URL where it has no name",
    "  --url URL           only results of this URL, whatever the sites' names",
    "  --limit N           at most N results, the oldest ones",
    "  --tail N            at most N results, the newest ones",
    "  --from WHAT         raw (results), hourly, daily or monthly (rollups) [default: raw]",
    "  --format FORMAT     json (lines), csv or parquet [default: json]",
  ]],
  ["replay", [
    "  --reason REASON     only dead letters of this reason",
    "  --since TIME        only those set aside from this time on",
    "  --dry-run           say what would be tried, and do nothing",
  ]],
  ["check", [
    "  --json              print the record as it is published, on one line",
  ]],
];

/** What `--help` prints. */
export function helpText(mode: Mode | null): string {
  const lines = mode ? [`httpmon ${mode}: ${MODES[mode]}`, ""] : [
    "httpmon watches web sites and keeps the record.",
    "",
  ];
  if (mode === null) {
    lines.push(
      "Usage: httpmon [-h] [-v] [-c FILE] [-m MODE]",
      "       httpmon MODE [-c FILE]",
    );
  } else lines.push(`Usage: httpmon ${[mode, TARGETS[mode]].filter(Boolean).join(" ")} [-c FILE]`);
  lines.push("");
  if (!mode) {
    lines.push("Modes:");
    for (const [name, text] of Object.entries(MODES)) lines.push(`  ${name.padEnd(14)}${text}`);
    lines.push("");
  }
  lines.push(
    "Options:",
    "  -c, --config FILE   the config, YAML (environment: APP_CONFIG)",
    `                      [default: ${DEFAULT_CONFIG}]`,
  );
  if (!mode) lines.push("  -m, --mode MODE     the mode (environment: APP_MODE)");
  lines.push(
    "  -v, --version       print the version",
    "  -h, --help          print this text",
  );
  for (const [owner, options] of MODE_HELP) {
    if (!mode || mode === owner) lines.push("", `Options of ${owner}:`, ...options);
  }
  lines.push("", ...notesOn(mode), EXIT_STATUS[mode === "check" ? "check" : "other"]);
  return lines.join("\n");
}

const EXIT_STATUS = {
  check: "Exit status: 0 up or degraded, 1 down or unknown, 2 wrong usage or config.",
  other: "Exit status: 0 done or asked to stop, 1 failed while running, 2 wrong usage or config.",
} as const;

function notesOn(mode: Mode | null): string[] {
  switch (mode) {
    case "agent":
      return [
        "At SIGHUP the agent takes over its config: whole, or if it is wrong not at all.",
        "",
      ];
    case "check":
      return [
        "A URL has that site's settings where the config has it, else the config's defaults; without a",
        "config it has httpmon's own.",
        "",
      ];
    case "restore":
      return [
        "FILE has a message a line, as dbdump prints them; without one, or with -, standard input is read.",
        "",
      ];
    default:
      return [];
  }
}

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
  /** Mode "check": a URL, or the name of a site; never null there. */
  target: string | null;
  /** Mode "check": the record as the wire has it. */
  json: boolean;
  /** Mode "agent": takes over the config when its file changes. */
  watch: boolean;
  /** Mode "maintain": says what it would do, and does nothing. */
  dryRun: boolean;
}

/** What `dbdump` takes beside the config. */
export interface DumpOptions {
  /** First moment that is in, as PostgreSQL reads times; UTC where no zone is given. */
  since: string | null;
  /** First moment that is out. */
  until: string | null;
  /** A URL, or a site's name. */
  url: string | null;
  limit: number | null;
}

/** Where the config is looked for when nothing says otherwise. */
export const DEFAULT_CONFIG = "config/config.yaml";

/** The options that belong to one mode. */
const MODE_OF_OPTION: Readonly<Record<string, Mode>> = {
  since: "dbdump",
  until: "dbdump",
  url: "dbdump",
  limit: "dbdump",
  json: "check",
  watch: "agent",
  "dry-run": "maintain",
};
const STRINGS = ["config", "mode", "since", "until", "url", "limit"];
const BOOLEANS = ["help", "version", "json", "watch", "dry-run"];

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
  // "-m check URL": the one argument without an option is what to check.
  if (parsed.mode === "check" && positional[0] !== "check") positional.unshift("check");
  const named = positional[0] ?? parsed.mode;
  if (parsed.help) {
    return { kind: "help", mode: typeof named === "string" && isMode(named) ? named : null };
  }
  if (parsed.version) return { kind: "version" };

  for (const name of STRINGS) {
    if (parsed[name] === "") throw new UsageError(`Option "--${name}" needs a value`);
  }
  const surplus = positional[named === "check" ? 2 : 1];
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
  for (const [name, owner] of Object.entries(MODE_OF_OPTION)) {
    if (mode !== owner && parsed[name] !== undefined && parsed[name] !== false) {
      throw new UsageError(`Option "--${name}" belongs to mode "${owner}"`);
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
    dryRun: parsed["dry-run"] === true,
  };
}

function dumpOptions(parsed: Record<string, unknown>): DumpOptions {
  const { since = null, until = null, url = null, limit = null } = parsed as Record<
    string,
    string | undefined
  >;
  if (limit !== null && !/^\d{1,15}$/.test(limit)) {
    throw new UsageError(`Option "--limit" needs a whole number, found "${limit}"`);
  }
  for (const [name, value] of Object.entries({ since, until })) {
    if (value !== null && Number.isNaN(Date.parse(value))) {
      throw new UsageError(
        `Option "--${name}" needs a time such as 2026-01-31 or "2026-01-31 12:00:00", found "${value}"`,
      );
    }
  }
  return { since, until, url, limit: limit === null ? null : Number(limit) };
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
    "  --since TIME        only results from this time on, UTC unless it says otherwise",
    "  --until TIME        only results before this time",
    "  --url URL           only results of this URL, or of the site of this name",
    "  --limit N           at most N results, the oldest ones",
  ]],
  ["maintain", [
    "  --dry-run           say what would be done, and do nothing",
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
  } else lines.push(`Usage: httpmon ${mode}${mode === "check" ? " URL|SITE" : ""} [-c FILE]`);
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
    default:
      return [];
  }
}

import { parseArgs } from "@std/cli/parse-args";
import { closest, distance } from "fastest-levenshtein";
import { UsageError } from "./exit_codes.ts";
import { isMode, type Mode, MODES } from "./modes.ts";

/** What the command line and the environment ask for. */
export type Command =
  | { kind: "help"; mode: Mode | null }
  | { kind: "version" }
  | { kind: "run"; mode: Mode; configPath: string; options: DumpOptions };

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

const STRINGS = ["config", "mode", "since", "until", "url", "limit"];
const BOOLEANS = ["help", "version"];

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
  const named = positional[0] ?? parsed.mode;
  if (parsed.help) {
    return { kind: "help", mode: typeof named === "string" && isMode(named) ? named : null };
  }
  if (parsed.version) return { kind: "version" };

  for (const name of STRINGS) {
    if (parsed[name] === "") throw new UsageError(`Option "--${name}" needs a value`);
  }
  if (positional.length > 1) {
    throw new UsageError(`Unexpected argument "${positional[1]}"; see --help`);
  }
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
  return {
    kind: "run",
    mode,
    configPath: parsed.config ?? (env("APP_CONFIG") || DEFAULT_CONFIG),
    options: dumpOptions(parsed, mode),
  };
}

function dumpOptions(parsed: Record<string, unknown>, mode: Mode): DumpOptions {
  for (const name of ["since", "until", "url", "limit"]) {
    if (parsed[name] !== undefined && mode !== "dbdump") {
      throw new UsageError(`Option "--${name}" belongs to mode "dbdump"`);
    }
  }
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

/** What `--help` prints. */
export function helpText(mode: Mode | null): string {
  const lines = mode ? [`httpmon ${mode}: ${MODES[mode]}`, ""] : [
    "httpmon watches web sites and keeps the record.",
    "",
  ];
  lines.push(
    "Usage: httpmon [-h] [-v] [-c FILE] [-m MODE]",
    "       httpmon MODE [-c FILE]",
    "",
  );
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
  if (!mode || mode === "dbdump") {
    lines.push(
      "",
      "Options of dbdump:",
      "  --since TIME        only results from this time on, UTC unless it says otherwise",
      "  --until TIME        only results before this time",
      "  --url URL           only results of this URL, or of the site of this name",
      "  --limit N           at most N results, the oldest ones",
    );
  }
  lines.push(
    "",
    "Exit status: 0 done or asked to stop, 1 failed while running, 2 wrong usage or config.",
  );
  return lines.join("\n");
}

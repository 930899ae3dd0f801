import { parseArgs } from "@std/cli/parse-args";
import { closest, distance } from "fastest-levenshtein";
import { UsageError } from "./exit_codes.ts";
import { isMode, type Mode, MODES } from "./modes.ts";
import { ARGS, type Option, OPTIONS, readOptions, type RunOptions } from "./options.ts";

export type { RunOptions };

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

/** Where the config is looked for when nothing says otherwise. */
export const DEFAULT_CONFIG = "config/config.yaml";

const namesOf = (isWanted: (option: Option) => boolean) =>
  Object.entries(OPTIONS).filter(([, option]) => isWanted(option)).map(([name]) => name);
const STRINGS = ["config", "mode", ...namesOf(({ value }) => value !== undefined)];
const BOOLEANS = ["help", "version", ...namesOf(({ value }) => value === undefined)];
const LISTS = namesOf(({ isMany }) => isMany === true);
const ALIASES = Object.fromEntries([
  ...[["help", "h"], ["version", "v"], ["config", "c"], ["mode", "m"]],
  // "-v" is that of the version, until the mode is known.
  ...Object.entries(OPTIONS).flatMap(([name, { short }]) =>
    short && short !== "v" ? [[name, short]] : []
  ),
]) as Record<string, string>;

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
    collect: LISTS,
    alias: ALIASES,
    unknown: (arg, key) => {
      if (key !== undefined) throw unknownOption(arg);
      return true;
    },
  });
  const positional = parsed._.map(String);
  // "-m check URL": what is without an option is the mode's.
  if (parsed.mode in ARGS && positional[0] !== parsed.mode) positional.unshift(parsed.mode);
  const named = positional[0] ?? parsed.mode;
  if (parsed.help) {
    return { kind: "help", mode: typeof named === "string" && isMode(named) ? named : null };
  }
  if (named === "check" && parsed.version && !args.includes("--version")) parsed.verbose = true;
  else if (parsed.version) return { kind: "version" };

  for (const name of STRINGS) {
    if ([parsed[name]].flat().includes("")) {
      throw new UsageError(`Option "--${name}" needs a value`);
    }
  }
  if (
    typeof named === "string" && isMode(named) && !(named in ARGS) && positional[1] !== undefined
  ) {
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
  const configPath = parsed.config ?? (env("APP_CONFIG") || null);
  return {
    kind: "run",
    mode,
    configPath: configPath ?? DEFAULT_CONFIG,
    isConfigNamed: configPath !== null,
    options: readOptions(parsed, mode, positional.slice(1)),
  };
}

function unknownOption(arg: string): UsageError {
  const name = arg.replace(/^-+/, "").replace(/=.*/s, "");
  const near = closest(name, [...STRINGS, ...BOOLEANS]);
  const hint = distance(name, near) <= 2 ? `, did you mean "--${near}"?` : "; see --help";
  return new UsageError(`Unknown option "${arg}"${hint}`);
}

/** What `--help` says of the options of a mode. */
function optionLines(mode: Mode): string[] {
  return Object.entries(OPTIONS).filter(([, option]) => option.modes?.includes(mode))
    .map(([name, { short, value, help }]) => {
      const names = `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
      return names.length < 20
        ? `  ${names.padEnd(20)}${help}`
        : `  ${names}\n${" ".repeat(22)}${help}`;
    });
}

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
  } else lines.push(`Usage: httpmon ${usageOf(mode)}`);
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
    `  --log LOOK          ${OPTIONS.log!.help}`,
    "  -v, --version       print the version",
    "  -h, --help          print this text",
  );
  for (const owner of Object.keys(MODES).filter(isMode)) {
    const options = !mode || mode === owner ? optionLines(owner) : [];
    if (options.length > 0) lines.push("", `Options of ${owner}:`, ...options);
  }
  lines.push("", ...notesOn(mode), EXIT_STATUS[mode === "check" ? "check" : "other"]);
  return lines.join("\n");
}

function usageOf(mode: Mode): string {
  const behind = mode === "import" ? "> config.yaml" : "[-c FILE]";
  return [mode, ARGS[mode]?.usage, behind].filter(Boolean).join(" ");
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
        "A host is asked by https. A URL has that site's settings where the config has it, else the",
        "config's defaults; without a config it has httpmon's own.",
        "",
      ];
    case "import":
      return [
        "The config goes to standard output; what it cannot carry over is listed at its top and on",
        "standard error.",
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

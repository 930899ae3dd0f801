import { parseArgs } from "@std/cli/parse-args";
import { closest, distance } from "fastest-levenshtein";
import { UsageError } from "./exit_codes.ts";
import { isMode, type Mode, MODES } from "./modes.ts";
import { ARGS, DEFAULT_CONFIG, type Option, OPTIONS, type RunOptions } from "./options.ts";
import { readOptions } from "./read_options.ts";

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

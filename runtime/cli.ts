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

/** What the modes take beside the config; what is not of the mode is empty, null or false. */
export interface RunOptions extends DumpOptions, CheckOptions {
  /**
   * What stands behind the mode. "check": URLs, or names of sites, one at least. "import": what the
   * file is of, and the file.
   */
  args: readonly string[];
  /** Mode "agent": takes over the config when its file changes. */
  watch: boolean;
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

/** An option of a mode. */
interface Option {
  mode: Mode;
  short?: string;
  /** What its value is; absent: it has none. */
  value?: string;
  /** Whether it may be given several times. */
  isMany?: true;
  help: string;
}

const OPTIONS: Readonly<Record<string, Option>> = {
  watch: { mode: "agent", help: "take over the config when its file changes, as at SIGHUP" },
  since: {
    mode: "dbdump",
    value: "TIME",
    help: "only results from this time on, UTC unless it says otherwise",
  },
  until: { mode: "dbdump", value: "TIME", help: "only results before this time" },
  url: {
    mode: "dbdump",
    value: "URL",
    help: "only results of this URL, or of the site of this name",
  },
  limit: { mode: "dbdump", value: "N", help: "at most N results, the oldest ones" },
  header: {
    mode: "check",
    short: "H",
    value: "LINE",
    isMany: true,
    help: 'send the header "Name: value"; "Name:" sends none of it',
  },
  request: { mode: "check", short: "X", value: "METHOD", help: "ask with another method" },
  data: {
    mode: "check",
    short: "d",
    value: "TEXT",
    help: "send a body, by POST unless -X says otherwise; @FILE takes a file's",
  },
  insecure: { mode: "check", short: "k", help: "go on whatever the certificate says" },
  ipv4: { mode: "check", short: "4", help: "over IPv4 alone" },
  ipv6: { mode: "check", short: "6", help: "over IPv6 alone" },
  resolve: {
    mode: "check",
    value: "HOST:ADDR",
    isMany: true,
    help: "connect to this address for the host; HOST:PORT:ADDR, too",
  },
  timeout: { mode: "check", value: "SECONDS", help: "how long the check may take" },
  repeat: {
    mode: "check",
    value: "N",
    help: "check N times, and show the least, the median and the 95th percentile",
  },
  verbose: {
    mode: "check",
    short: "v",
    help: "show the heads of request and response, and every address tried",
  },
  json: { mode: "check", help: "print each record as it is published, on one line" },
};
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
  if (takesArgs(parsed.mode) && positional[0] !== parsed.mode) positional.unshift(parsed.mode);
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
  const surplus = takesArgs(named) ? undefined : positional[1];
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
    options: runOptions(parsed, mode, positional.slice(1)),
  };
}

/** Whether arguments without an option stand behind the mode. */
function takesArgs(mode: unknown): boolean {
  return mode === "check" || mode === "import";
}

function runOptions(
  parsed: Record<string, unknown>,
  mode: Mode,
  args: readonly string[],
): RunOptions {
  for (const [name, { mode: owner }] of Object.entries(OPTIONS)) {
    const isGiven = ![undefined, false].includes(parsed[name] as undefined) &&
      !(Array.isArray(parsed[name]) && parsed[name].length === 0);
    if (mode !== owner && isGiven) {
      throw new UsageError(`Option "--${name}" belongs to mode "${owner}"`);
    }
  }
  if (mode === "check" && args.length === 0) {
    throw new UsageError('Mode "check" needs a URL, or the name of a site of the config');
  }
  if (mode === "import" && args.length !== 2) {
    throw new UsageError(
      'Mode "import" needs what the file is of (blackbox, gatus, kuma or urls), and the file',
    );
  }
  return {
    ...dumpOptions(parsed),
    ...checkOptions(parsed),
    args,
    watch: parsed.watch === true,
  };
}

function checkOptions(parsed: Record<string, unknown>): CheckOptions {
  const text = (name: string) => (parsed[name] as string | undefined) ?? null;
  const flag = (name: string) => parsed[name] === true;
  const list = (name: string) => parsed[name] as string[];
  const [timeout, repeat] = [text("timeout"), text("repeat")];
  if (timeout !== null && !(Number(timeout) > 0 && Number(timeout) <= 86_400)) {
    throw new UsageError(`Option "--timeout" needs a number of seconds, found "${timeout}"`);
  }
  if (repeat !== null && !/^[1-9]\d{0,5}$/.test(repeat)) {
    throw new UsageError(`Option "--repeat" needs a whole number of 1 or more, found "${repeat}"`);
  }
  if (flag("ipv4") && flag("ipv6")) {
    throw new UsageError('Only one of the options "-4" and "-6" can be given');
  }
  return {
    header: list("header"),
    request: text("request"),
    data: text("data"),
    insecure: flag("insecure"),
    ipv4: flag("ipv4"),
    ipv6: flag("ipv6"),
    resolve: list("resolve"),
    timeout: timeout === null ? null : Number(timeout),
    repeat: Number(repeat ?? 1),
    verbose: flag("verbose"),
    json: flag("json"),
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

/** What `--help` says of the options of a mode. */
function optionLines(mode: Mode): string[] {
  return Object.entries(OPTIONS).filter(([, option]) => option.mode === mode)
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
  } else lines.push(`Usage: httpmon ${mode}${USAGE[mode] ?? " [-c FILE]"}`);
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
  for (const owner of Object.keys(MODES).filter(isMode)) {
    const options = !mode || mode === owner ? optionLines(owner) : [];
    if (options.length > 0) lines.push("", `Options of ${owner}:`, ...options);
  }
  lines.push("", ...notesOn(mode), EXIT_STATUS[mode === "check" ? "check" : "other"]);
  return lines.join("\n");
}

const USAGE: Partial<Record<Mode, string>> = {
  check: " URL|SITE ... [-c FILE]",
  import: " blackbox|gatus|kuma|urls FILE > config.yaml",
};

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
    default:
      return [];
  }
}

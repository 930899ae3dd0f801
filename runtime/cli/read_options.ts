import { UsageError } from "./exit_codes.ts";
import { type Mode, SERVICE_MODES } from "./modes.ts";
import {
  ARGS,
  type CheckOptions,
  FORMATS,
  FROM,
  LOOKS,
  OPTIONS,
  type RecordOptions,
  type RunOptions,
} from "./options.ts";

/**
 * The options of a mode, of what was parsed.
 *
 * @throws {UsageError} For an option of another mode, or a value that cannot be
 */
export function readOptions(
  parsed: Record<string, unknown>,
  mode: Mode,
  args: readonly string[],
): RunOptions {
  for (const [name, { modes }] of Object.entries(OPTIONS)) {
    const isGiven = ![undefined, false].includes(parsed[name] as undefined) &&
      !(Array.isArray(parsed[name]) && parsed[name].length === 0);
    if (modes && !modes.includes(mode) && isGiven) {
      throw new UsageError(`Option "--${name}" belongs to mode "${modes.join('" or "')}"`);
    }
  }
  const { least, most, usage } = ARGS[mode] ?? { least: 0, most: 0, usage: "" };
  if (args.length > most) {
    throw new UsageError(`Unexpected argument "${args[most]}"; see --help`);
  }
  if (args.length < least) {
    throw new UsageError(
      mode === "check"
        ? 'Mode "check" needs a URL, or the name of a site of the config'
        : `Mode "${mode}" needs ${usage}`,
    );
  }
  return {
    ...recordOptions(parsed, mode),
    ...checkOptions(parsed),
    args,
    watch: parsed.watch === true,
    connect: parsed.connect === true,
    as: parsed.as === undefined ? null : choiceOf("as", parsed.as as string, SERVICE_MODES),
    dryRun: parsed["dry-run"] === true,
    test: (parsed.test as string | undefined) ?? null,
    ...silenceOptions(parsed),
    hashPassword: parsed["hash-password"] === true,
    export: (parsed.export as string | undefined) ?? null,
    log: parsed.log === undefined ? null : choiceOf("log", parsed.log as string, LOOKS),
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

function silenceOptions(
  parsed: Record<string, unknown>,
): Pick<RunOptions, "forTime" | "why" | "end"> {
  const { for: forTime = null, why = null, end = null } = parsed as Record<string, string>;
  if (forTime !== null && !/^[1-9]\d{0,5}[smhdw]$/.test(forTime)) {
    throw new UsageError(`Option "--for" needs a time such as 30m, 2h or 7d, found "${forTime}"`);
  }
  if (end !== null && !/^\d{1,18}$/.test(end)) {
    throw new UsageError(`Option "--end" needs a silence's number, found "${end}"`);
  }
  return { forTime, why, end };
}

function recordOptions(parsed: Record<string, unknown>, mode: Mode): RecordOptions {
  const text = (name: string) => (parsed[name] as string | undefined) ?? null;
  const count = (name: string) => {
    const value = text(name);
    if (value === null || /^\d{1,15}$/.test(value)) return value === null ? null : Number(value);
    throw new UsageError(`Option "--${name}" needs a whole number, found "${value}"`);
  };
  for (const name of ["since", "until"]) {
    const value = text(name);
    if (value !== null && !/^\d{1,6}[smhdw]$/.test(value) && Number.isNaN(Date.parse(value))) {
      throw new UsageError(
        `Option "--${name}" needs a time such as 2026-01-31, "2026-01-31 12:00:00" or 7d, ` +
          `found "${value}"`,
      );
    }
  }
  const [limit, tail] = [count("limit"), count("tail")];
  if (limit !== null && tail !== null) {
    throw new UsageError('Options "--limit" and "--tail" exclude each other');
  }
  return {
    since: text("since"),
    until: text("until"),
    site: text("site"),
    url: text("url"),
    limit,
    tail,
    from: choiceOf("from", text("from"), FROM),
    format: choiceOf("format", text("format"), FORMATS[mode === "report" ? mode : "dbdump"]),
    reason: text("reason"),
    month: text("month"),
    freeze: parsed.freeze === true,
    verify: parsed.verify === true,
  };
}

/** One of `choices`, the first where none is given. @throws {UsageError} For any other */
function choiceOf<const C extends string>(
  name: string,
  value: string | null,
  choices: readonly C[],
): C {
  const choice = value === null ? choices[0] : choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw new UsageError(`Option "--${name}" is one of ${choices.join(", ")}, found "${value}"`);
}

import pino from "pino";
import { describeError } from "./error.ts";
import { prettyLine } from "./pretty.ts";

/** The config's names for levels, and pino's. CRITICAL is the older program's name for fatal. */
const LEVELS = {
  DEBUG: "debug",
  INFO: "info",
  WARN: "warn",
  ERROR: "error",
  CRITICAL: "fatal",
} as const;

/** Between ERROR and CRITICAL, so that only the latter hides it: the default is ERROR. */
const NOTICE = 55;

/** What the parts are handed; pino has this shape. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Of what is no fault, but is always told: a start, a reload, a recovery, a stop. */
  notice(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** A text that is not to be logged, and what is in its place. */
interface Secret {
  value: string;
  name: string;
}

/** What a logger takes from the config. */
interface LogConfig {
  loglevel: keyof typeof LEVELS;
  secrets: readonly Secret[];
}

/** The logger of a process, whose config may be taken over anew. */
export interface ProcessLogger extends Logger {
  /**
   * From now on logs at this level, children that it has already aside, and keeps these secrets out,
   * of its children's lines as well. Those of the start stay, as what is read only then does; of
   * others, those before these.
   */
  takeOver(config: LogConfig): void;
}

/**
 * A logger that writes a line of JSON an entry to standard error, with the level's name and the time
 * in ISO 8601; or for a person, in local time. Lines are written at once, so that none is lost at the
 * end. Stacks are in it at DEBUG, and where the program is mistaken.
 *
 * @param ofStart Its secrets are kept out of every line, wherever they come from
 * @param look `pretty` is for a person
 */
export function createLogger(
  ofStart: LogConfig,
  mode: string,
  look: { pretty: boolean; colour: boolean } = { pretty: false, colour: false },
): ProcessLogger {
  let last: readonly Secret[] = [];
  let hidden: readonly Secret[] = [];
  const hide = (secrets: readonly Secret[]) => {
    // The longest first: a shorter one may be a part of it.
    hidden = [...ofStart.secrets, ...last, ...secrets]
      .sort((a, b) => b.value.length - a.value.length);
    last = secrets;
  };
  hide([]);
  const log = pino({
    level: LEVELS[ofStart.loglevel],
    customLevels: { notice: NOTICE },
    base: { mode },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label === "fatal" ? "critical" : label }) },
    errorKey: "error",
    serializers: { error: (error) => describeError(error, log.level === "debug") },
    hooks: {
      streamWrite: (line) => {
        const clean = withoutSecrets(line, hidden);
        return look.pretty ? prettyLine(clean, look.colour) : clean;
      },
    },
  }, pino.destination({ fd: 2, sync: true }));
  return Object.assign(log, {
    takeOver({ loglevel, secrets }: LogConfig) {
      log.level = LEVELS[loglevel];
      hide(secrets);
    },
  });
}

/** A line whose texts have no secret; its keys, level and time stay as they are. */
function withoutSecrets(line: string, secrets: readonly Secret[]): string {
  const isClean = !secrets.some(({ value }) => line.includes(JSON.stringify(value).slice(1, -1)));
  if (isClean) return line;
  const hide = (value: unknown): unknown => {
    if (typeof value === "string") {
      return secrets.reduce((text, one) => text.replaceAll(one.value, () => one.name), value);
    }
    if (Array.isArray(value)) return value.map(hide);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner)]));
  };
  const { level, time, mode, ...rest } = JSON.parse(line);
  return `${JSON.stringify({ level, time, mode, ...hide(rest) as object })}\n`;
}

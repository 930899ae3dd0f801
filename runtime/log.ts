import pino from "pino";

/** The config's names for levels, and pino's. CRITICAL is the older program's name for fatal. */
const LEVELS = {
  DEBUG: "debug",
  INFO: "info",
  WARN: "warn",
  ERROR: "error",
  CRITICAL: "fatal",
} as const;

/** What the parts are handed; pino has this shape. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** A text that is not to be logged, and what is in its place. */
interface Secret {
  value: string;
  name: string;
}

/** The logger of a process, whose config may be taken over anew. */
export interface ProcessLogger extends Logger {
  /**
   * From now on keeps these secrets out, too, of its children's lines as well. Those of the start
   * stay, as what is read only then does; of others, those before these.
   */
  hide(secrets: readonly Secret[]): void;
}

/**
 * A logger that writes one JSON object a line to standard error, with the level's name and the time
 * in ISO 8601. Lines are written at once, so that none is lost at the end.
 *
 * @param ofStart Kept out of every line, wherever they come from
 */
export function createLogger(
  level: keyof typeof LEVELS,
  mode: string,
  ofStart: readonly Secret[] = [],
): ProcessLogger {
  let last: readonly Secret[] = [];
  let hidden: readonly Secret[] = [];
  const hide = (secrets: readonly Secret[]) => {
    // The longest first: a shorter one may be a part of it.
    hidden = [...ofStart, ...last, ...secrets].sort((a, b) => b.value.length - a.value.length);
    last = secrets;
  };
  hide([]);
  const log = pino({
    level: LEVELS[level],
    base: { mode },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label === "fatal" ? "critical" : label }) },
    errorKey: "error",
    serializers: { error: pino.stdSerializers.err },
    hooks: { streamWrite: (line) => withoutSecrets(line, hidden) },
  }, pino.destination({ fd: 2, sync: true }));
  return Object.assign(log, { hide });
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

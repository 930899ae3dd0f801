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

/**
 * A logger that writes one JSON object a line to standard error, with the level's name and the time
 * in ISO 8601. Lines are written at once, so that none is lost at the end.
 */
export function createLogger(level: keyof typeof LEVELS, mode: string): Logger {
  return pino({
    level: LEVELS[level],
    base: { mode },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label === "fatal" ? "critical" : label }) },
    errorKey: "error",
    serializers: { error: pino.stdSerializers.err },
  }, pino.destination({ fd: 2, sync: true }));
}

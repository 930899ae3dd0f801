import type { LoggedError } from "./error.ts";

const COLOURS: Readonly<Record<string, number>> = {
  debug: 2,
  info: 36,
  warn: 33,
  notice: 32,
  error: 31,
  critical: 31,
};

/**
 * A line of the log for a person: "14:02:31 ERROR Storing a batch failed: what to do (why) a=1".
 *
 * @param line JSON, as the log has it
 */
export function prettyLine(line: string, hasColour: boolean): string {
  const { level, time, mode: _mode, msg, advice, error, ...rest } = JSON.parse(line);
  const word = level.toUpperCase().padEnd(6);
  const shown = hasColour ? `\x1b[${COLOURS[level] ?? 0}m${word}\x1b[0m` : word;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${textOf(value)}`);
  const parts = [
    `${new Date(time).toTimeString().slice(0, 8)} ${shown} ${msg}${advice ? `: ${advice}` : ""}`,
    ...(error === undefined ? [] : [`(${typeof error === "string" ? error : error.message})`]),
    ...fields,
  ];
  const { stack } = Object(error) as Partial<LoggedError>;
  return `${parts.join(" ")}${stack === undefined ? "" : `\n${stack}`}\n`;
}

function textOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"]+$/.test(text) || typeof value !== "string" ? text : JSON.stringify(value);
}

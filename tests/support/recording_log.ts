import type { Logger } from "../../runtime/log/log.ts";

/** One line that a part logged. */
export interface LogLine {
  level: "debug" | "info" | "warn" | "error" | "notice";
  fields: Record<string, unknown>;
  message: string;
}

/** A logger that keeps its lines, children's too. */
export function recordingLog(): Logger & { lines: LogLine[] } {
  const lines: LogLine[] = [];
  const make = (bound: object): Logger & { lines: LogLine[] } => {
    const at = (level: LogLine["level"]) => (fields: object, message: string) => {
      lines.push({ level, fields: { ...bound, ...fields }, message });
    };
    return {
      lines,
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      notice: at("notice"),
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

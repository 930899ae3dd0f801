import { readFile } from "node:fs/promises";

/** A line that httpmon logged. */
export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

const TROUBLE = ["warn", "error", "critical"];

/** Reads a program's log. What is no JSON object (a runtime's own words) counts as an error. */
export async function readLog(file: string): Promise<LogLine[]> {
  const text = await readFile(file, "utf8");
  return text.split("\n").filter((line) => line !== "").map(parseLine);
}

function parseLine(line: string): LogLine {
  try {
    const value = JSON.parse(line);
    if (typeof value?.level === "string" && typeof value.msg === "string") return value;
  } catch {
    // Not one of ours.
  }
  return { level: "error", msg: line };
}

/** The lines at WARN or above. */
export function troubleIn(lines: readonly LogLine[]): LogLine[] {
  return lines.filter(({ level }) => TROUBLE.includes(level));
}

/** What the agent counted, from the line that it logs when it has stopped; null: it logged none. */
export function agentCounts(
  lines: readonly LogLine[],
):
  | { checked: number; published: number; waiting: number; dropped: number; refused: number }
  | null {
  const last = lines.findLast(({ checked, published }) =>
    typeof checked === "number" && typeof published === "number"
  );
  if (last === undefined) return null;
  const { checked, published, waiting = 0, dropped = 0, refused = 0 } = last;
  return { checked, published, waiting, dropped, refused } as Record<
    "checked" | "published" | "waiting" | "dropped" | "refused",
    number
  >;
}

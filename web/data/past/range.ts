import { DAY_MS, HOUR_MS } from "./history.ts";

/** The ranges that have a name, in days. */
export const RANGES = { "24h": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365 } as const;

/** A span of time, milliseconds since 1970, and how it is cut into the points of a chart. */
export interface Range {
  /** Of RANGES; null: from one time to another. */
  name: keyof typeof RANGES | null;
  since: number;
  until: number;
  /** "results" are cut into `stepMs`, the others are rollups. */
  step: "results" | "hour" | "day" | "month";
  stepMs: number;
}

/** The points of a chart of results. */
const POINTS = 288;

/**
 * What the address asks for: `range`, or `from` and `to` as a browser's fields give them (UTC).
 *
 * @returns The last 24 hours where it says nothing, or what cannot be
 */
export function rangeOf(asked: { range?: string; from?: string; to?: string }, now: number): Range {
  const [from, to] = [momentOf(asked.from), Math.min(momentOf(asked.to) ?? now, now)];
  if (from !== null && from < to) return cut(null, from, to);
  const name = Object.keys(RANGES).find((name) => name === asked.range) as keyof typeof RANGES;
  const known = name ?? "24h";
  return cut(known, now - RANGES[known] * DAY_MS, now);
}

function momentOf(text: string | undefined): number | null {
  if (!text) return null;
  const at = Date.parse(
    /[zZ]|[+-]\d\d:?\d\d$/.test(text) || !text.includes("T") ? text : `${text}Z`,
  );
  return Number.isNaN(at) ? null : at;
}

function cut(name: Range["name"], since: number, until: number): Range {
  const ms = until - since;
  if (ms <= 2 * DAY_MS) {
    const stepMs = Math.max(1_000, Math.ceil(ms / POINTS / 60_000) * 60_000);
    return { name, since, until, step: "results", stepMs };
  }
  if (ms <= 15 * DAY_MS) return { name, since, until, step: "hour", stepMs: HOUR_MS };
  if (ms <= 400 * DAY_MS) return { name, since, until, step: "day", stepMs: DAY_MS };
  return { name, since, until, step: "month", stepMs: 30.44 * DAY_MS };
}

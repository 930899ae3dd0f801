import type { RetentionConfig } from "../../config/types.ts";

/** The first day that is kept of each, "YYYY-MM-DD", UTC; null: all are. */
export type Cutoffs = Record<keyof RetentionConfig, string | null>;

const DAY_MS = 86_400_000;

/** What the days that are kept mean at `now` (milliseconds since 1970): today is not counted. */
export function cutoffsAt(now: number, retention: RetentionConfig): Cutoffs {
  const before = (days: number | null) =>
    days === null ? null : new Date(now - days * DAY_MS).toISOString().slice(0, 10);
  return {
    raw: before(retention.raw),
    hourly: before(retention.hourly),
    daily: before(retention.daily),
    evidence: before(retention.evidence),
    deadLetters: before(retention.deadLetters),
    incidents: before(retention.incidents),
  };
}

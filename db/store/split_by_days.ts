import type { ResultMessage } from "../../wire/message.ts";
import type { IncomingRecord } from "./store.ts";

/** Cuts a batch where it would have results of over `most` days. */
export function splitByDays(
  records: readonly IncomingRecord[],
  most: number,
): (readonly IncomingRecord[])[] {
  const parts: (readonly IncomingRecord[])[] = [];
  let days = new Set<string>();
  let start = 0;
  for (const [index, { decoded }] of records.entries()) {
    if (!decoded.ok) continue;
    const day = dayOf(decoded.message);
    if (days.has(day)) continue;
    if (days.size === most) {
      parts.push(records.slice(start, index));
      start = index;
      days = new Set();
    }
    days.add(day);
  }
  parts.push(records.slice(start));
  return parts;
}

/** The days that results among `records` have. */
export function daysOf(records: readonly IncomingRecord[]): Set<string> {
  const days = new Set<string>();
  for (const { decoded } of records) {
    if (decoded.ok) days.add(dayOf(decoded.message));
  }
  return days;
}

/** "YYYY-MM-DD", UTC. */
function dayOf({ ts }: ResultMessage): string {
  return ts.slice(0, 10);
}

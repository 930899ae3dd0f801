import type { ResultMessage } from "../../wire/message.ts";
import type { IncomingRecord } from "./records.ts";

/** Of one transaction: each day's partition takes locks, and the server's table of them is small. */
const MAX_DAYS = 50;
/** Of one transaction, as read; what travels and what the server holds grow with it. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Cuts a batch where one transaction would have results of too many days, or too many bytes. */
export function splitBatch<R extends IncomingRecord>(records: readonly R[]): (readonly R[])[] {
  const parts: (readonly R[])[] = [];
  let days = new Set<string>();
  let start = 0, bytes = 0;
  for (const [index, { decoded, value }] of records.entries()) {
    const day = decoded.ok ? dayOf(decoded.message) : null;
    const size = value?.length ?? 0;
    const tooMany = day !== null && !days.has(day) && days.size === MAX_DAYS;
    if (index > start && (tooMany || bytes + size > MAX_BYTES)) {
      parts.push(records.slice(start, index));
      start = index;
      bytes = 0;
      days = new Set();
    }
    if (day !== null) days.add(day);
    bytes += size;
  }
  parts.push(records.slice(start));
  return parts;
}

/** "YYYY-MM-DD", UTC. */
export function dayOf({ ts }: ResultMessage): string {
  return ts.slice(0, 10);
}

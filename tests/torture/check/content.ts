/** All that a result says beside its identity, to be compared between a message and its row. */
import type { Result } from "./account.ts";
import { momentOf } from "./agent_evidence.ts";
import type { ResultRow } from "./tables.ts";

/** All of a message that is stored, but for its identity. */
const FIELDS = [
  ...["site", "regexResult", "responseCode", "responseTime", "errorMessage", "verdict", "reason"],
  ...["errorClass", "lateness", "frequency", "slots", "attempts", "firstReason", "loopDelay"],
  ...["phases", "bodyBytes", "bodyTruncated", "remoteAddress", "httpVersion", "redirects", "tls"],
  ...["location", "labels", "siteLabels", "maintenance", "evidence"],
];

/** What a field means where it is not there. */
const DEFAULTS: Readonly<Record<string, unknown>> = { slots: 1, attempts: 1, maintenance: false };

export function contentOfRow(row: ResultRow): string {
  return contentOf(row);
}

export function contentOfResult(result: Result): string {
  const { ts, scheduledAt, tls } = result as Result & { scheduledAt?: string; tls?: object };
  return contentOf({
    ...result,
    // Times here have no finer fractions.
    lateness: scheduledAt && Math.round((momentOf(ts) - momentOf(scheduledAt)) * 1000) / 1000,
    // What was shown is kept apart.
    tls: tls && { ...tls, chain: undefined },
  });
}

function contentOf(told: Readonly<Record<string, unknown>>): string {
  return canonical(FIELDS.map((field) => orNull(told[field]) ?? DEFAULTS[field] ?? null));
}

/** No labels are none. */
function orNull(value: unknown): unknown {
  return value && Object.keys(value).length === 0 && value.constructor === Object ? null : value;
}

/** JSON in one order of keys; fractions have four bytes in the tables. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part === "number") return Number.isInteger(part) ? part : Math.fround(part);
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

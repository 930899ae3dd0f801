import type { HttpRecord } from "../http/types.ts";
import type { Found, Inspection } from "../inspect/inspection.ts";
import { type RuleOutcome, rulesOf, type SiteRules } from "./index.ts";
import { headerValue } from "./response_headers.ts";
import type { Seen } from "./rule.ts";

/** An inspection and what it found. */
export interface Inspected {
  inspection: Pick<Inspection, "searches">;
  found: Found;
}

const NOTHING: Inspected = { inspection: { searches: [] }, found: { matched: [], json: [] } };

/** What has to be looked for in a response, all in one go; null where the rules ask for nothing. */
export function inspectionFor(
  rules: SiteRules,
  record: Pick<HttpRecord, "headers" | "body">,
): Inspection | null {
  const asked = rulesOf(rules).map(({ rule, value }) => rule.asks?.(value, record) ?? {});
  const searches = asked.flatMap(({ searches = [] }) => searches);
  const json = asked.flatMap(({ json = [] }) => json);
  if (searches.length === 0 && json.length === 0) return null;
  const contentType = headerValue(record.headers, "content-type");
  return { body: record.body, contentType, searches, json };
}

/**
 * How a full response did by every rule of its site, in the order in which they decide: first those
 * that say down, then those that say degraded.
 *
 * @param inspected Null where the rules ask nothing of the texts
 * @param now Wall clock, milliseconds since 1970
 */
export function applyRules(
  rules: SiteRules,
  record: HttpRecord,
  inspected: Inspected | null,
  now: number,
): RuleOutcome[] {
  const { inspection, found } = inspected ?? NOTHING;
  const matched = matchedIn(inspection.searches, found);
  const seen: Seen = { record, matched, json: found.json, now };
  return rulesOf(rules).flatMap(({ rule, value }) =>
    rule.outcomes(value, seen).map((kept) => ({ rule: rule.reason, ...kept }))
  );
}

/** Reads the answers of an inspection by what was asked. */
export function matchedIn(
  searches: Inspection["searches"],
  { matched }: Found,
): Seen["matched"] {
  return (pattern, text) => {
    const at = searches.findIndex((search) => search.pattern === pattern && search.text === text);
    if (at < 0) throw new RangeError(`Nobody looked for "${pattern}"`);
    return matched[at]!;
  };
}

import type { HttpRecord } from "../http/types.ts";
import type { Found, Inspection } from "../inspect/inspection.ts";
import { bodyRegex, noBodyRegex } from "./body_regex.ts";
import { maxBodyBytes, minBodyBytes } from "./body_size.ts";
import { certificateDaysLeft } from "./certificate.ts";
import { json } from "./json.ts";
import { headerValue, responseHeaders } from "./response_headers.ts";
import { degradedResponseTime, maxResponseTime } from "./response_time.ts";
import type { Kept, Rule, Seen } from "./rule.ts";
import { status } from "./status.ts";

/** Every rule, in the order in which they decide: first those that say down, then degraded. */
const LIST = [
  status,
  minBodyBytes,
  maxBodyBytes,
  bodyRegex,
  noBodyRegex,
  responseHeaders,
  json,
  maxResponseTime,
  certificateDaysLeft,
  degradedResponseTime,
] as const;

type Rules = typeof LIST[number];

/** A rule's name, as it stands in a result's `reason`. */
export type RuleName = Rules["reason"];

/** A rule whatever its value is; only ever handed that of its own key. */
// deno-lint-ignore no-explicit-any
type AnyRule = Rule<Rules["key"], RuleName, any>;

export const RULES: readonly AnyRule[] = LIST;

/** What a site's response must be: the value of each rule by its key; null where it has no such rule. */
export type SiteRules = {
  [R in Rules as R["key"]]: R extends Rule<string, string, infer Value> ? Value | null : never;
};

/** The keys of the rules, for the schema of a site. */
export const RULE_SCHEMAS = Object.fromEntries(RULES.map(({ key, schema }) => [key, schema])) as {
  [R in Rules as R["key"]]: R["schema"];
};

/** What is said of the rules, with the defaults of the others; an empty list asks for nothing. */
export function toRules(said: Partial<SiteRules>): SiteRules {
  return Object.fromEntries(RULES.map(({ key, byDefault = null }) => {
    const value = said[key] ?? byDefault;
    return [key, Array.isArray(value) && value.length === 0 ? null : value];
  })) as SiteRules;
}

/** The rules that a site has, each with its value. */
export function rulesOf(rules: SiteRules): { rule: AnyRule; value: unknown }[] {
  // A loop, as it is done at each check, and most rules are not asked for.
  const found: { rule: AnyRule; value: unknown }[] = [];
  for (const rule of RULES) {
    const value = rules[rule.key];
    if (value !== null) found.push({ rule, value });
  }
  return found;
}

/** How a response did by one rule. */
export interface RuleOutcome extends Kept {
  rule: RuleName;
}

/** What the failure of a rule makes of a site. */
export function verdictOfFailure(name: RuleName): "down" | "degraded" {
  return RULES.find(({ reason }) => reason === name)!.failure;
}

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

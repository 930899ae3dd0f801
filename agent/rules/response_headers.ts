import type { HeaderRule, SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { Matched } from "./findings.ts";
import type { RuleOutcome } from "./outcome.ts";

type Headers = HttpRecord["headers"];

/** The most characters of a header that are shown. */
const MAX_SHOWN = 120;

/**
 * `response_headers`: a header is absent; or it is there and matches; or it does not match, be it
 * there or not.
 */
export function responseHeaderRules(
  rules: Pick<SiteRules, "headers">,
  { headers }: Pick<HttpRecord, "headers">,
  matched: Matched,
): RuleOutcome[] {
  return rules.headers.map((rule) => {
    const value = headerValue(headers, rule.name);
    return {
      rule: "response_headers",
      ok: fits(rule, value, matched),
      expected: expectation(rule),
      found: value === null ? "none" : shown(value),
    };
  });
}

/** The header's value, repeats joined by ", " (RFC 9110, 5.3), as every client gives it; or null. */
export function headerValue(headers: Headers, name: string): string | null {
  const values = headers.filter(([given]) => given === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(", ");
}

function fits(rule: HeaderRule, value: string | null, matched: Matched): boolean {
  if (rule.absent) return value === null;
  if (value === null) return rule.regex === null;
  return (rule.regex === null || matched(rule.regex, value)) &&
    (rule.notRegex === null || !matched(rule.notRegex, value));
}

function expectation({ name, regex, notRegex, absent }: HeaderRule): string {
  if (absent) return `no "${name}"`;
  const parts = [
    regex === null ? [] : [`a match of ${regex}`],
    notRegex === null ? [] : [`no match of ${notRegex}`],
  ].flat();
  return `in "${name}" ${parts.join(" and ")}`;
}

function shown(value: string): string {
  const text = value.length <= MAX_SHOWN ? value : `${value.slice(0, MAX_SHOWN)}…`;
  return `"${text}"`;
}

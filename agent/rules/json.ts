import type { JsonRule, SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { Findings } from "../inspect/inspection.ts";
import type { RuleOutcome } from "./outcome.ts";

/**
 * `json`: each path's value is as asked. A body that is not JSON fails all of them; so does one that
 * was cut, as half of a JSON text is none.
 */
export function jsonRules(
  { json }: Pick<SiteRules, "json">,
  { bodyTruncated }: Pick<HttpRecord, "bodyTruncated">,
  findings: Findings,
): RuleOutcome[] {
  const notJson = bodyTruncated
    ? "a body that was cut at the bound on its length"
    : "a body that is not JSON";
  return json.map((rule, i) => {
    const finding = findings.json?.[i];
    return {
      rule: "json",
      ok: finding?.ok ?? false,
      expected: expectation(rule),
      found: finding ? finding.found ?? "no value" : notJson,
    };
  });
}

function expectation({ path, equals, matches, min, max }: JsonRule): string {
  const parts = [
    equals === undefined ? [] : [`equal to ${JSON.stringify(equals)}`],
    matches === null ? [] : [`a match of ${matches}`],
    min === null ? [] : [`at least ${min}`],
    max === null ? [] : [`at most ${max}`],
  ].flat();
  return `${path} ${parts.join(" and ")}`;
}

import type { SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { RuleOutcome } from "./outcome.ts";

/**
 * `min_body_bytes` and `max_body_bytes`, of the decoded body. The second is a rule only where the
 * config sets it; by default a long body is cut, and that is no failure.
 */
export function bodySizeRules(
  { minBodyBytes, maxBodyBytes }: Pick<SiteRules, "minBodyBytes" | "maxBodyBytes">,
  { body, bodyTruncated }: Pick<HttpRecord, "body" | "bodyTruncated">,
): RuleOutcome[] {
  const outcomes: RuleOutcome[] = [];
  const found = `${bodyTruncated ? "over " : ""}${body.length} bytes`;
  if (minBodyBytes !== null) {
    const expected = `at least ${minBodyBytes} bytes`;
    outcomes.push({ rule: "min_body_bytes", ok: body.length >= minBodyBytes, expected, found });
  }
  if (maxBodyBytes !== null) {
    const ok = !bodyTruncated && body.length <= maxBodyBytes;
    outcomes.push({
      rule: "max_body_bytes",
      ok,
      expected: `at most ${maxBodyBytes} bytes`,
      found,
    });
  }
  return outcomes;
}

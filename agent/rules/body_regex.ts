import type { SiteRules } from "../../config/types.ts";
import type { Matched } from "./findings.ts";
import type { RuleOutcome } from "./outcome.ts";

/** `regex` and `not_regex`: every one of the first matches the body, none of the second does. */
export function bodyRegexRules(
  { regex, notRegex }: Pick<SiteRules, "regex" | "notRegex">,
  matched: Matched,
): RuleOutcome[] {
  const outcome = (rule: "regex" | "not_regex", pattern: string): RuleOutcome => {
    const found = matched(pattern, null);
    return {
      rule,
      ok: found === (rule === "regex"),
      expected: `${rule === "regex" ? "a match" : "no match"} of ${pattern}`,
      found: found ? "one" : "none",
    };
  };
  return [
    ...regex.map((pattern) => outcome("regex", pattern)),
    ...notRegex.map((pattern) => outcome("not_regex", pattern)),
  ];
}

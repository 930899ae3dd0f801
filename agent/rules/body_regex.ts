import { z } from "zod";
import { checked } from "../../config/fields.ts";
import { compileRegex, RegexError } from "../../config/site/regex.ts";
import { counted, cut, rule } from "./rule.ts";

const REGEX = "a regex (text)";
const REGEXES = "a regex (text), or a list of them";

/** A regex in RE2 syntax, for compileRegex(). */
export const regex = checked(REGEX, regexProblem);

/** One regex, or a list of them. */
const regexes = z.union([
  z.string(),
  // Items of any kind, as a union that fails says nothing of the place in the list.
  z.array(z.unknown()),
], { error: REGEXES }).transform((given, ctx): readonly string[] =>
  (Array.isArray(given) ? given : [given]).map((source, i) => {
    const message = typeof source === "string" ? regexProblem(source) : REGEX;
    if (message === null) return source as string;
    ctx.addIssue({ code: "custom", message, path: Array.isArray(given) ? [i] : [] });
    return z.NEVER;
  })
);

/** Every one matches the body. */
export const bodyRegex = regexRule("regex", true);

/** None matches it. */
export const noBodyRegex = regexRule("not_regex", false);

function regexRule<const Key extends "regex" | "not_regex">(key: Key, wanted: boolean) {
  return rule({
    key,
    reason: key,
    failure: "down",
    schema: regexes,
    asks: (patterns) => ({ searches: patterns.map((pattern) => ({ pattern, text: null })) }),
    outcomes: (patterns, { matched, record }) =>
      patterns.map((pattern) => {
        const isFound = matched(pattern, null);
        return {
          ok: isFound === wanted,
          expected: `${wanted ? "a match" : "no match"} of ${pattern}`,
          ...cut(record, isFound ? "one" : "none"),
        };
      }),
    summary: (patterns) => counted(patterns.length, key, key),
  });
}

/** What was expected in the place of `source`; null where it is a regex. */
function regexProblem(source: string): string | null {
  try {
    compileRegex(source);
    return null;
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    return `a regex ${error.message}`;
  }
}

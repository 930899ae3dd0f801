import { compile, search } from "@jmespath-community/jmespath";
import { z } from "zod";
import { checked, mapOf, optional, section } from "../../config/fields.ts";
import { isMap } from "../../config/source/raw.ts";
import type { JsonRule } from "../inspect/inspection.ts";
import { regex } from "./body_regex.ts";
import { counted, cut, rule } from "./rule.ts";

const EXPRESSION = "a JMESPath expression";

const schema = mapOf(
  "a map from JMESPath expression to rule",
  checked(EXPRESSION, (path) => {
    const problem = jmespathProblem(path);
    return problem && `${EXPRESSION} (${problem})`;
  }),
  section({
    // Null is a value here, unlike elsewhere.
    equals: z.unknown().optional().superRefine((value, ctx) => {
      if (value !== undefined && !isJson(value)) {
        ctx.addIssue({ code: "custom", message: "a value that JSON has" });
      }
    }),
    matches: optional(regex),
    min: optional(z.number({ error: "a number" })),
    max: optional(z.number({ error: "a number" })),
  }, 'a map with "equals", "matches", "min" or "max"').superRefine((rule, ctx) => {
    const { equals, matches, min, max } = rule;
    if (equals === undefined && matches === null && min === null && max === null) {
      ctx.addIssue({ code: "custom", message: '"equals", "matches", "min" or "max"' });
    } else if (min !== null && max !== null && min > max) {
      ctx.addIssue({ code: "custom", message: 'a number not below "min"', path: ["max"] });
    }
  }),
).transform((rules) =>
  Object.entries(rules).map(([path, { equals, ...rule }]): JsonRule => {
    return { path, ...(equals !== undefined && { equals }), ...rule };
  })
);

/**
 * Each path's value is as asked. A body that is not JSON fails all of them; so does one that was cut,
 * as half of a JSON text is none. The values are looked at by inspect/json_value.ts.
 */
export const json = rule({
  key: "json",
  reason: "json",
  failure: "down",
  schema: schema as z.ZodType<readonly JsonRule[]>,
  asks: (rules) => ({ json: rules }),
  outcomes: (rules, { record, json }) => {
    return rules.map((rule, i) => ({
      ok: json?.[i]?.ok ?? false,
      expected: expectation(rule),
      ...cut(record, json ? json[i]!.found ?? "no value" : "a body that is not JSON"),
    }));
  },
  summary: (rules) => counted(rules.length, "json value"),
});

function expectation({ path, equals, matches, min, max }: JsonRule): string {
  const parts = [
    equals === undefined ? [] : [`equal to ${JSON.stringify(equals)}`],
    matches === null ? [] : [`a match of ${matches}`],
    min === null ? [] : [`at least ${min}`],
    max === null ? [] : [`at most ${max}`],
  ].flat();
  return `${path} ${parts.join(" and ")}`;
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return isMap(value) && Object.values(value).every(isJson);
}

/**
 * Why `expression` is no JMESPath, in words to follow "expected a JMESPath expression"; null when it
 * is one. A function that JMESPath has not is found, too.
 */
export function jmespathProblem(expression: string): string | null {
  try {
    for (const name of functionsIn(compile(expression))) {
      // Called without an argument, a known function complains of that.
      const problem = problemOf(() => search(null, `${name}()`));
      if (problem?.startsWith("Unknown function")) return `there is no function "${name}"`;
    }
    return null;
  } catch (error) {
    return messageOf(error).replace(/^Syntax error: /, "").replace(/\s+/g, " ");
  }
}

function problemOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function* functionsIn(node: unknown): Generator<string> {
  if (typeof node !== "object" || node === null) return;
  const { type, name } = node as { type?: unknown; name?: unknown };
  if (type === "Literal") return;
  if (type === "Function" && typeof name === "string") yield name;
  for (const child of Object.values(node)) yield* functionsIn(child);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { z } from "zod";
import { optional, section } from "../../config/fields.ts";
import type { HttpRecord } from "../http/types.ts";
import { regex } from "./body_regex.ts";
import { counted, rule, type Seen } from "./rule.ts";

/** The most characters of a header that are shown. */
const MAX_SHOWN = 120;

const schema = z.record(
  z.string(),
  section({
    regex: optional(regex),
    not_regex: optional(regex),
    absent: optional(z.literal(true, { error: "true" })),
  }, 'a map with "regex", "not_regex" or "absent"').superRefine((rule, ctx) => {
    const isAsked = rule.regex !== null || rule.not_regex !== null;
    if (isAsked === (rule.absent === null)) return;
    const message = isAsked
      ? 'no "absent" beside a regex'
      : '"regex", "not_regex" or "absent: true"';
    ctx.addIssue({ code: "custom", message, path: isAsked ? ["absent"] : [] });
  }),
  { error: "a map from header to rule" },
).transform((rules) =>
  Object.entries(rules).map(([name, rule]) => ({ name: name.toLowerCase(), ...rule }))
);

/** What a response header must be; the name is in lower case. Null: not asked. */
export type HeaderRule = z.output<typeof schema>[number];

/** A header is absent; or it is there and matches; or it does not match, be it there or not. */
export const responseHeaders = rule({
  key: "response_headers",
  reason: "response_headers",
  failure: "down",
  schema: schema as z.ZodType<readonly HeaderRule[]>,
  check: (site) => site.checkHeaderNames("response_headers"),
  asks: (rules, { headers }) => ({
    searches: rules.flatMap(({ name, regex, not_regex }) => {
      const text = headerValue(headers, name);
      if (text === null) return [];
      return [regex, not_regex].flatMap((pattern) => pattern === null ? [] : [{ pattern, text }]);
    }),
  }),
  outcomes: (rules, { record, matched }) =>
    rules.map((rule) => {
      const value = headerValue(record.headers, rule.name);
      return {
        ok: fits(rule, value, matched),
        expected: expectation(rule),
        found: value === null ? "none" : shown(value),
      };
    }),
  summary: (rules) => counted(rules.length, "response header"),
});

/** The header's value, repeats joined by ", " (RFC 9110, 5.3), as every client gives it; or null. */
export function headerValue(headers: HttpRecord["headers"], name: string): string | null {
  const values = headers.filter(([given]) => given === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(", ");
}

function fits(rule: HeaderRule, value: string | null, matched: Seen["matched"]): boolean {
  if (rule.absent) return value === null;
  if (value === null) return rule.regex === null;
  return (rule.regex === null || matched(rule.regex, value)) &&
    (rule.not_regex === null || !matched(rule.not_regex, value));
}

function expectation({ name, regex, not_regex, absent }: HeaderRule): string {
  if (absent) return `no "${name}"`;
  const parts = [
    regex === null ? [] : [`a match of ${regex}`],
    not_regex === null ? [] : [`no match of ${not_regex}`],
  ].flat();
  return `in "${name}" ${parts.join(" and ")}`;
}

function shown(value: string): string {
  const text = value.length <= MAX_SHOWN ? value : `${value.slice(0, MAX_SHOWN)}…`;
  return `"${text}"`;
}

import { z } from "zod";
import { optional, section, whole } from "./fields.ts";
import { isMap } from "./raw.ts";
import { compileRegex, RegexError } from "./regex.ts";
import { statusCodes } from "./status_codes.ts";
import type { HeaderRule, JsonRule, SiteRules } from "./types.ts";

const DAY_MS = 86_400_000;
/** A body is held in memory while it is looked at. */
export const MAX_BODY_BYTES = 104_857_600;
const REGEX = "a regex (text)";
const REGEXES = "a regex (text), or a list of them";

const regex = z.string({ error: REGEX }).superRefine((source, ctx) => {
  const message = regexProblem(source);
  if (message !== null) ctx.addIssue({ code: "custom", message });
});

/** One regex, or a list of them. */
const regexes = z.union([
  z.string(),
  // Items of any kind, as a union that fails says nothing of the place in the list.
  z.array(z.unknown()),
], { error: REGEXES }).transform((given, ctx) =>
  (Array.isArray(given) ? given : [given]).map((source, i) => {
    const message = typeof source === "string" ? regexProblem(source) : REGEX;
    if (message === null) return source as string;
    ctx.addIssue({ code: "custom", message, path: Array.isArray(given) ? [i] : [] });
    return z.NEVER;
  })
);

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

const milliseconds = () => optional(whole(1, DAY_MS, "milliseconds"));

/** The keys of a site that say what its response must be. */
export const ruleKeys = {
  valid_status_codes: optional(statusCodes),
  regex: optional(regexes),
  not_regex: optional(regexes),
  response_headers: optional(z.record(
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
  )),
  json: optional(z.record(
    z.string(),
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
        const message = '"equals", "matches", "min" or "max"';
        ctx.addIssue({ code: "custom", message });
      } else if (min !== null && max !== null && min > max) {
        ctx.addIssue({ code: "custom", message: 'a number not below "min"', path: ["max"] });
      }
    }),
    { error: "a map from JMESPath expression to rule" },
  )),
  max_response_time_ms: milliseconds(),
  degraded_response_time_ms: milliseconds(),
  min_body_bytes: optional(whole(0, MAX_BODY_BYTES, "bytes")),
  max_body_bytes: optional(whole(1, MAX_BODY_BYTES, "bytes")),
  certificate_days_left: optional(whole(0, 3650, "days")),
};

/** The settings of `ruleKeys`, checked; null where neither the site nor the defaults say anything. */
export type RuleSettings = { [K in keyof typeof ruleKeys]: z.output<typeof ruleKeys[K]> };

export function toRules(yaml: RuleSettings): SiteRules {
  return {
    validStatusCodes: yaml.valid_status_codes ?? [{ from: 200, to: 200 }],
    regex: yaml.regex ?? [],
    notRegex: yaml.not_regex ?? [],
    headers: Object.entries(yaml.response_headers ?? {}).map(([name, rule]): HeaderRule => ({
      name: name.toLowerCase(),
      regex: rule.regex,
      notRegex: rule.not_regex,
      absent: rule.absent === true,
    })),
    json: Object.entries(yaml.json ?? {}).map(([path, { equals, ...rule }]): JsonRule => ({
      path,
      ...(equals !== undefined && { equals }),
      ...rule,
    })),
    maxResponseTimeMs: yaml.max_response_time_ms,
    degradedResponseTimeMs: yaml.degraded_response_time_ms,
    minBodyBytes: yaml.min_body_bytes,
    maxBodyBytes: yaml.max_body_bytes,
    certificateDaysLeft: yaml.certificate_days_left,
  };
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return isMap(value) && Object.values(value).every(isJson);
}

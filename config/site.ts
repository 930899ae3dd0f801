import { z } from "zod";
import { optional, section, whole, withDefault } from "./fields.ts";
import { compileRegex, RegexError } from "./regex.ts";
import type { Site } from "./types.ts";

/** Both bounds keep a timer below 2^31 - 1 ms (24.8 days), past which it would fire at once. */
const MAX_TIMEOUT_S = 86_400;
const MAX_FREQUENCY_S = 604_800;

const TIMEOUT = `a number over 0 and at most ${MAX_TIMEOUT_S} (seconds)`;
const FREQUENCY =
  `a number from 1 to ${MAX_FREQUENCY_S} (seconds between the starts of two checks)`;
const REGEX = "a regex (text)";

const regex = z.string({ error: REGEX }).superRefine((source, ctx) => {
  try {
    compileRegex(source);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    ctx.addIssue({ code: "custom", message: `a regex ${error.message}` });
  }
});

/** What the YAML may say of one site; websites.ts checks `url`, as it may be the key, too. */
export const siteSchema = section({
  url: optional(z.string({ error: "a URL" })),
  valid_status_codes: withDefault(
    z.array(whole(100, 599), { error: "a list of status codes" })
      .nonempty({ error: "at least one status code" }),
    [200],
  ),
  regex: optional(regex),
  timeout: withDefault(
    z.number({ error: TIMEOUT }).gt(0, { error: TIMEOUT }).max(MAX_TIMEOUT_S, { error: TIMEOUT }),
    120,
  ),
  frequency: withDefault(
    z.number({ error: FREQUENCY }).min(1, { error: FREQUENCY })
      .max(MAX_FREQUENCY_S, { error: FREQUENCY }),
    60,
  ),
}, "a map of settings, {} for all defaults");

/** The config of a checked site; `key` is its key under `websites:`. */
export function toSite(key: string, yaml: z.output<typeof siteSchema>): Site {
  return {
    name: yaml.url === null ? null : key,
    url: yaml.url ?? key,
    validStatusCodes: yaml.valid_status_codes,
    regex: yaml.regex,
    timeoutMs: milliseconds(yaml.timeout),
    frequencyMs: milliseconds(yaml.frequency),
  };
}

/** Whole milliseconds, at least 1. */
function milliseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1000));
}

import type { z } from "zod";
import type { RawSite } from "../../config/site/site_checks.ts";
import type { HttpRecord } from "../http/types.ts";
import type { Inspection, JsonFinding } from "../inspect/inspection.ts";

/** All that a rule may look at: a full response, and what was found in its texts. */
export interface Seen {
  record: HttpRecord;
  /** Whether a pattern matched a text; null: the body. Throws for what `asks` did not ask. */
  matched: (pattern: string, text: string | null) => boolean;
  /** One for each of `json` that was asked; null where the body is not JSON. */
  json: readonly JsonFinding[] | null;
  /** Wall clock, milliseconds since 1970. */
  now: number;
}

/** How a response did by a rule: what the config asks for and what came, for a person. */
export interface Kept {
  ok: boolean;
  expected: string;
  found: string;
  /** Whether it saw only the start of a body that was cut; the reason says so. */
  isCut?: boolean;
  /** Of a rule of time: how much longer than allowed it took, milliseconds. */
  overMs?: number;
}

/**
 * What a response must be: one key of a site, with all that belongs to it. A rule is one of these,
 * and one line in index.ts.
 */
export interface Rule<Key extends string, Reason extends string, Value> {
  /** The site's key in the YAML. */
  key: Key;
  /** Its name in a result's `reason`. */
  reason: Reason;
  /** What its failure makes of a site. */
  failure: "down" | "degraded";
  /** Checks the key's value and makes it what the other members are given. */
  schema: z.ZodType<Value>;
  /** What holds where nobody says anything. @default no rule */
  byDefault?: Value;
  /** Notes what the key's value alone cannot show to be wrong. */
  check?: (site: RawSite) => void;
  /** What has to be found in the texts of a response. */
  asks?: (value: Value, record: Pick<HttpRecord, "headers">) => Partial<
    Pick<Inspection, "searches" | "json">
  >;
  /** One for each thing that is asked; none where the response has no place for it. */
  outcomes: (value: Value, seen: Seen) => Kept[];
  /** What it asks, in some words of a table: "body >= 100 B". */
  summary: (value: Value) => string;
}

/** Checks the types of a rule, and keeps those of its names. */
export function rule<const Key extends string, const Reason extends string, Value>(
  rule: Rule<Key, Reason, Value>,
): Rule<Key, Reason, Value> {
  return rule;
}

/** "1 regex", "3 regex". */
export function counted(count: number, what: string, several = `${what}s`): string {
  return `${count} ${count === 1 ? what : several}`;
}

/** What a rule that looks into the body adds to what it found, where the body was cut. */
export function cut(
  { body, bodyTruncated }: Pick<HttpRecord, "body" | "bodyTruncated">,
  found: string,
): Pick<Kept, "found" | "isCut"> {
  if (!bodyTruncated) return { found };
  return { found: `${found}, in the first ${body.length} bytes of a longer body`, isCut: true };
}

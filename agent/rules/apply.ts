import type { SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { Findings, Inspection } from "../inspect/inspection.ts";
import { bodyRegexRules } from "./body_regex.ts";
import { bodySizeRules } from "./body_size.ts";
import { certificateRule } from "./certificate.ts";
import { matchedIn } from "./findings.ts";
import { jsonRules } from "./json.ts";
import type { RuleOutcome } from "./outcome.ts";
import { responseHeaderRules } from "./response_headers.ts";
import { degradedResponseTimeRule, maxResponseTimeRule } from "./response_time.ts";
import { statusRule } from "./status.ts";

/** An inspection and what it found. */
export interface Inspected {
  inspection: Inspection;
  findings: Findings;
}

const NOTHING: Inspected = {
  inspection: { body: new Uint8Array(0), contentType: null, searches: [], json: [] },
  findings: { matched: [], json: [] },
};

/**
 * How a full response did by every rule of its site, in the order in which they decide: first those
 * that say down, then those that say degraded.
 *
 * @param inspected Null where the rules ask nothing of the texts
 * @param now Wall clock, milliseconds since 1970
 */
export function applyRules(
  rules: SiteRules,
  record: HttpRecord,
  inspected: Inspected | null,
  now: number,
): RuleOutcome[] {
  const { inspection, findings } = inspected ?? NOTHING;
  const matched = matchedIn(inspection.searches, findings);
  return [
    ...statusRule(rules, record),
    ...bodySizeRules(rules, record),
    ...bodyRegexRules(rules, matched),
    ...responseHeaderRules(rules, record, matched),
    ...jsonRules(rules, record, findings),
    ...maxResponseTimeRule(rules, record),
    ...certificateRule(rules, record, now),
    ...degradedResponseTimeRule(rules, record),
  ];
}

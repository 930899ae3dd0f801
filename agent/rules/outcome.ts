/** A rule's name, as it stands in a result's `reason`. */
export type RuleName =
  | "status"
  | "min_body_bytes"
  | "max_body_bytes"
  | "regex"
  | "not_regex"
  | "response_headers"
  | "json"
  | "max_response_time_ms"
  | "certificate_days_left"
  | "degraded_response_time_ms";

/** How a response did by one rule. */
export interface RuleOutcome {
  rule: RuleName;
  ok: boolean;
  /** What the config asks for and what came, for a person: "200-299" and "503". */
  expected: string;
  found: string;
  /** Of a rule of time: how much longer than allowed it took, milliseconds. */
  overMs?: number;
}

/** The rules whose failure is no outage. */
const DEGRADING: ReadonlySet<RuleName> = new Set([
  "certificate_days_left",
  "degraded_response_time_ms",
]);

/** What the failure of a rule makes of a site. */
export function verdictOfFailure(rule: RuleName): "down" | "degraded" {
  return DEGRADING.has(rule) ? "degraded" : "down";
}

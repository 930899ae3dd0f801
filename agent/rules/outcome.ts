import { type RuleName, RULES } from "./index.ts";
import type { Kept } from "./rule.ts";

export type { RuleName };

/** How a response did by one rule. */
export interface RuleOutcome extends Kept {
  rule: RuleName;
}

/** What the failure of a rule makes of a site. */
export function verdictOfFailure(name: RuleName): "down" | "degraded" {
  return RULES.find(({ reason }) => reason === name)!.failure;
}

import type { SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { RuleName, RuleOutcome } from "./outcome.ts";

/** `max_response_time_ms`: longer is down. Over all hops, as `responseTime` is. */
export function maxResponseTimeRule(
  { maxResponseTimeMs }: Pick<SiteRules, "maxResponseTimeMs">,
  record: Pick<HttpRecord, "ms">,
): RuleOutcome[] {
  return within("max_response_time_ms", maxResponseTimeMs, record.ms);
}

/** `degraded_response_time_ms`: longer is degraded. */
export function degradedResponseTimeRule(
  { degradedResponseTimeMs }: Pick<SiteRules, "degradedResponseTimeMs">,
  record: Pick<HttpRecord, "ms">,
): RuleOutcome[] {
  return within("degraded_response_time_ms", degradedResponseTimeMs, record.ms);
}

function within(rule: RuleName, boundMs: number | null, ms: number): RuleOutcome[] {
  if (boundMs === null) return [];
  const ok = ms <= boundMs;
  const found = `${Math.round(ms * 10) / 10} ms`;
  const overMs = ok ? {} : { overMs: ms - boundMs };
  return [{ rule, ok, expected: `at most ${boundMs} ms`, found, ...overMs }];
}

import { whole } from "../../config/fields.ts";
import { type Kept, rule } from "./rule.ts";

const schema = whole(1, 86_400_000, "milliseconds");

/** Longer is down. Over all hops, as `responseTime` is. */
export const maxResponseTime = rule({
  key: "max_response_time_ms",
  reason: "max_response_time_ms",
  failure: "down",
  schema,
  outcomes: (most, { record }) => within(most, record.ms),
  summary: (most) => `<= ${most} ms`,
});

/** Longer is degraded. */
export const degradedResponseTime = rule({
  key: "degraded_response_time_ms",
  reason: "degraded_response_time_ms",
  failure: "degraded",
  schema,
  check: (site) => site.checkOrder("degraded_response_time_ms", "max_response_time_ms"),
  outcomes: (most, { record }) => within(most, record.ms),
  summary: (most) => `degraded above ${most} ms`,
});

function within(most: number, ms: number): Kept[] {
  const ok = ms <= most;
  const found = `${Math.round(ms * 10) / 10} ms`;
  return [{ ok, expected: `at most ${most} ms`, found, ...(!ok && { overMs: ms - most }) }];
}

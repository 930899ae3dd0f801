import { assertEquals } from "@std/assert";
import { ERROR_CLASSES } from "../../../agent/http/types.ts";
import { judge } from "../../../agent/rules/judge.ts";
import type { RuleName, RuleOutcome } from "../../../agent/rules/outcome.ts";

function outcome(rule: RuleName, ok: boolean): RuleOutcome {
  return { rule, ok, expected: "", found: "" };
}

Deno.test("judge() says up where every rule is kept", () => {
  const outcomes = [outcome("status", true), outcome("certificate_days_left", true)];
  assertEquals(judge(null, outcomes), { verdict: "up", reason: null });
});

for (
  const [rule, verdict] of [
    ["status", "down"],
    ["min_body_bytes", "down"],
    ["max_body_bytes", "down"],
    ["regex", "down"],
    ["not_regex", "down"],
    ["response_headers", "down"],
    ["json", "down"],
    ["max_response_time_ms", "down"],
    ["certificate_days_left", "degraded"],
    ["degraded_response_time_ms", "degraded"],
  ] as const
) {
  Deno.test(`judge() says ${verdict} for ${rule}`, () => {
    const outcomes = [outcome("status", true), outcome(rule, false)];
    assertEquals(judge(null, outcomes), { verdict, reason: rule });
  });
}

Deno.test("judge() gives the first rule that fails as the reason", () => {
  const outcomes = [
    outcome("status", true),
    outcome("regex", true),
    outcome("regex", false),
    outcome("json", false),
    outcome("certificate_days_left", false),
  ];
  assertEquals(judge(null, outcomes), { verdict: "down", reason: "regex" });
});

Deno.test("judge() says down for each failure of a site, unknown for each of the monitor", () => {
  for (const reason of ERROR_CLASSES) {
    const verdict = reason.startsWith("local_") ? "unknown" : "down";
    assertEquals(judge({ class: reason }, [outcome("status", false)]), { verdict, reason });
  }
});

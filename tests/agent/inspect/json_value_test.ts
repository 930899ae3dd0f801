import { assertEquals } from "@std/assert";
import { inspectJson } from "../../../agent/inspect/json_value.ts";
import { RegexCache } from "../../../agent/inspect/inspect.ts";
import type { JsonRule } from "../../../agent/inspect/inspection.ts";

const BODY = JSON.stringify({
  status: "ok",
  version: "1.12.3",
  uptime: 3.5,
  zero: 0,
  nothing: null,
  flag: false,
  checks: [{ name: "db", ok: true }, { name: "queue", ok: false }],
  nested: { b: [1, { c: "x" }], a: 1 },
});

function finding(rule: Partial<JsonRule> & { path: string }, body = BODY) {
  const whole: JsonRule = { matches: null, min: null, max: null, ...rule };
  return inspectJson(body, [whole], new RegexCache())?.[0] ?? null;
}

for (
  const { rule, ok, found } of [
    { rule: { path: "status", equals: "ok" }, ok: true, found: '"ok"' },
    { rule: { path: "status", equals: "OK" }, ok: false, found: '"ok"' },
    { rule: { path: "zero", equals: 0 }, ok: true, found: "0" },
    { rule: { path: "zero", equals: "0" }, ok: false, found: "0" },
    { rule: { path: "zero", equals: false }, ok: false, found: "0" },
    { rule: { path: "flag", equals: false }, ok: true, found: "false" },
    {
      rule: { path: "nested", equals: { a: 1, b: [1, { c: "x" }] } },
      ok: true,
      found: '{"b":[1,{"c":"x"}],"a":1}',
    },
    { rule: { path: "nested.b", equals: [1] }, ok: false, found: '[1,{"c":"x"}]' },
    {
      rule: { path: "nested.b", equals: { 0: 1, 1: { c: "x" } } },
      ok: false,
      found: '[1,{"c":"x"}]',
    },
    { rule: { path: "checks[?ok].name", equals: ["db"] }, ok: true, found: '["db"]' },
    { rule: { path: "length(checks)", equals: 2 }, ok: true, found: "2" },
    { rule: { path: "uptime", min: 3.5, max: 3.5 }, ok: true, found: "3.5" },
    { rule: { path: "uptime", min: 4 }, ok: false, found: "3.5" },
    { rule: { path: "uptime", max: 3 }, ok: false, found: "3.5" },
    { rule: { path: "version", min: 1 }, ok: false, found: '"1.12.3"' },
    { rule: { path: "version", matches: "^1\\." }, ok: true, found: '"1.12.3"' },
    { rule: { path: "version", matches: "^2" }, ok: false, found: '"1.12.3"' },
    { rule: { path: "nested.b", matches: '"c":"x"' }, ok: true, found: '[1,{"c":"x"}]' },
    { rule: { path: "uptime", matches: "^3\\.5$", min: 3 }, ok: true, found: "3.5" },
    { rule: { path: "uptime", matches: "^3\\.5$", min: 4 }, ok: false, found: "3.5" },
    { rule: { path: "absent", matches: "" }, ok: false, found: null },
    { rule: { path: "absent", min: -1 }, ok: false, found: null },
    { rule: { path: "absent", equals: "x" }, ok: false, found: null },
    { rule: { path: "nothing", matches: "null" }, ok: false, found: null },
    { rule: { path: "nothing", equals: null }, ok: true, found: null },
    { rule: { path: "absent", equals: null }, ok: true, found: null },
    { rule: { path: "absent", equals: null, min: 1 }, ok: false, found: null },
    { rule: { path: "toString", matches: "." }, ok: false, found: null },
    {
      rule: { path: "length(uptime)", min: 1 },
      ok: false,
      found:
        "Invalid type: length() expected argument 1 to be type (string | array | object) but received…",
    },
  ]
) {
  const { path, ...asked } = rule;
  Deno.test(`inspectJson() finds ${path} ${JSON.stringify(asked)} ${ok ? "right" : "wrong"}`, () => {
    const actual = finding(rule)!;
    // The library's own words may be cut elsewhere.
    const short = actual.found?.startsWith("Invalid type") ? found : actual.found;
    assertEquals({ ok: actual.ok, found: short }, { ok, found });
  });
}

Deno.test("inspectJson() tells a body that is not JSON", () => {
  for (const body of ["", "<html>", '{"a":1', "\uFEFF", "NaN", '{"a":1}{"b":2}']) {
    assertEquals(finding({ path: "a", equals: 1 }, body), null, body);
  }
});

Deno.test("inspectJson() takes a bare value for JSON", () => {
  assertEquals(finding({ path: "@", equals: "up" }, ' "up"\n'), { ok: true, found: '"up"' });
});

Deno.test("inspectJson() shows the start of a long value, in whole characters", () => {
  const found = finding({ path: "@", matches: "x" }, JSON.stringify("😀".repeat(500)))!.found!;
  assertEquals([found.length, found.isWellFormed()], [121, true]);
});

Deno.test("inspectJson() outlives a value that is nested without end", () => {
  const body = "[".repeat(200_000) + "]".repeat(200_000);
  assertEquals(finding({ path: "@", matches: "x" }, body)?.ok, false);
  assertEquals(finding({ path: "@", equals: [[[]]] }, body)?.ok, false);
});

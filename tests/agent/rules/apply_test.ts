import { assertEquals } from "@std/assert";
import type { HttpRecord } from "../../../agent/http/types.ts";
import { inspect, RegexCache } from "../../../agent/inspect/inspect.ts";
import type { JsonRule } from "../../../agent/inspect/inspection.ts";
import { judge } from "../../../agent/check/judge.ts";
import {
  applyRules,
  inspectionFor,
  type RuleOutcome,
  type SiteRules,
} from "../../../agent/rules/index.ts";
import type { HeaderRule } from "../../../agent/rules/response_headers.ts";
import { response, site } from "../support.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 1);
const header = (rule: Partial<HeaderRule>): HeaderRule => {
  return { name: "x", regex: null, not_regex: null, absent: null, ...rule };
};
const json = (path: string, rule: Partial<JsonRule>): JsonRule => {
  return { path, matches: null, min: null, max: null, ...rule };
};

function apply(values: Partial<SiteRules>, record: HttpRecord): RuleOutcome[] {
  const { rules } = site({ rules: values });
  const inspection = inspectionFor(rules, record);
  const inspected = inspection &&
    { inspection, found: inspect(inspection, new RegexCache()) };
  return applyRules(rules, record, inspected, NOW);
}

function withExpiry(daysLeft: number): HttpRecord {
  return response({
    tls: {
      protocol: "TLSv1.3",
      cipher: null,
      chain: [],
      earliestExpiry: NOW + daysLeft * DAY_MS,
      authorized: true,
      authorizationError: null,
    },
  });
}

const CASES: {
  name: string;
  rules: Partial<SiteRules>;
  record?: HttpRecord;
  /** Beside the status, which is fine. */
  expected: [rule: string, ok: boolean, expected: string, found: string][];
}[] = [
  { name: "no rule but the status", rules: {}, expected: [] },
  {
    name: "a body as long as it has to be",
    rules: { min_body_bytes: 5, max_body_bytes: 5 },
    record: response({ text: "hello" }),
    expected: [
      ["min_body_bytes", true, "at least 5 bytes", "5 bytes"],
      ["max_body_bytes", true, "at most 5 bytes", "5 bytes"],
    ],
  },
  {
    name: "a body too short",
    rules: { min_body_bytes: 6 },
    record: response({ text: "hello" }),
    expected: [["min_body_bytes", false, "at least 6 bytes", "5 bytes"]],
  },
  {
    name: "a body that was cut at the bound of its rule",
    rules: { max_body_bytes: 5 },
    record: response({ text: "hello", bodyTruncated: true }),
    expected: [["max_body_bytes", false, "at most 5 bytes", "over 5 bytes"]],
  },
  {
    name: "a body that was cut, where no rule is about it",
    rules: { min_body_bytes: 2 },
    record: response({ text: "hello", bodyTruncated: true }),
    expected: [["min_body_bytes", true, "at least 2 bytes", "over 5 bytes"]],
  },
  {
    name: "regexes over a body that was cut",
    rules: { regex: ["^he", "x"], not_regex: ["error"] },
    record: response({ text: "hello", bodyTruncated: true }),
    expected: [
      ["regex", true, "a match of ^he", "one, in the first 5 bytes of a longer body"],
      ["regex", false, "a match of x", "none, in the first 5 bytes of a longer body"],
      ["not_regex", true, "no match of error", "none, in the first 5 bytes of a longer body"],
    ],
  },
  {
    name: "regexes, all of which must match, and none of which may",
    rules: { regex: ["^he", "lo$", "x"], not_regex: ["error", "l+"] },
    record: response({ text: "hello" }),
    expected: [
      ["regex", true, "a match of ^he", "one"],
      ["regex", true, "a match of lo$", "one"],
      ["regex", false, "a match of x", "none"],
      ["not_regex", true, "no match of error", "none"],
      ["not_regex", false, "no match of l+", "one"],
    ],
  },
  {
    name: "headers",
    rules: {
      response_headers: [
        header({ name: "server", regex: "^nginx" }),
        header({ name: "server", not_regex: "\\d" }),
        header({ name: "strict-transport-security", regex: "max-age" }),
        header({ name: "x-powered-by", absent: true }),
        header({ name: "server", absent: true }),
        header({ name: "x-debug", not_regex: "on" }),
        header({ name: "via", regex: "^a, b$" }),
        header({ name: "server", regex: "nginx", not_regex: "nginx" }),
      ],
    },
    record: response({ headers: [["server", "nginx/1.25"], ["via", "a"], ["via", "b"]] }),
    expected: [
      ["response_headers", true, 'in "server" a match of ^nginx', '"nginx/1.25"'],
      ["response_headers", false, 'in "server" no match of \\d', '"nginx/1.25"'],
      [
        "response_headers",
        false,
        'in "strict-transport-security" a match of max-age',
        "none",
      ],
      ["response_headers", true, 'no "x-powered-by"', "none"],
      ["response_headers", false, 'no "server"', '"nginx/1.25"'],
      ["response_headers", true, 'in "x-debug" no match of on', "none"],
      ["response_headers", true, 'in "via" a match of ^a, b$', '"a, b"'],
      [
        "response_headers",
        false,
        'in "server" a match of nginx and no match of nginx',
        '"nginx/1.25"',
      ],
    ],
  },
  {
    name: "JSON values",
    rules: {
      json: [
        json("status", { equals: "ok" }),
        json("n", { min: 2, max: 3 }),
        json("absent", { matches: "." }),
      ],
    },
    record: response({ text: '{"status":"ok","n":4}' }),
    expected: [
      ["json", true, 'status equal to "ok"', '"ok"'],
      ["json", false, "n at least 2 and at most 3", "4"],
      ["json", false, "absent a match of .", "no value"],
    ],
  },
  {
    name: "JSON values in what is not JSON",
    rules: { json: [json("status", { equals: "ok" })] },
    record: response({ text: "<html>" }),
    expected: [["json", false, 'status equal to "ok"', "a body that is not JSON"]],
  },
  {
    name: "JSON values in a body that was cut",
    rules: { json: [json("status", { equals: "ok" })] },
    record: response({ text: '{"status":"ok"', bodyTruncated: true }),
    expected: [[
      "json",
      false,
      'status equal to "ok"',
      "a body that is not JSON, in the first 14 bytes of a longer body",
    ]],
  },
  {
    name: "response times, at the bound and over it",
    rules: { max_response_time_ms: 100, degraded_response_time_ms: 99 },
    record: response({ ms: 100 }),
    expected: [
      ["max_response_time_ms", true, "at most 100 ms", "100 ms"],
      ["degraded_response_time_ms", false, "at most 99 ms", "100 ms"],
    ],
  },
  {
    name: "days left in a certificate",
    rules: { certificate_days_left: 14 },
    record: withExpiry(14),
    expected: [["certificate_days_left", true, "at least 14 days", "14 days"]],
  },
  {
    name: "too few days left in a certificate",
    rules: { certificate_days_left: 14 },
    record: withExpiry(13.99),
    expected: [["certificate_days_left", false, "at least 14 days", "13.9 days"]],
  },
  {
    name: "days left, where there is no certificate",
    rules: { certificate_days_left: 14 },
    expected: [],
  },
];

for (const { name, rules, record = response(), expected } of CASES) {
  Deno.test(`applyRules() of ${name}`, () => {
    const [status, ...others] = apply(rules, record);
    assertEquals(status, { rule: "status", ok: true, expected: "200", found: "200" });
    assertEquals(
      others.map(({ overMs: _, isCut: __, ...outcome }) => outcome),
      expected.map(([rule, ok, expected, found]) => ({ rule, ok, expected, found }) as RuleOutcome),
    );
  });
}

Deno.test("applyRules() and judge() say where a rule saw the start of a body alone", () => {
  const ask = (rules: Partial<SiteRules>, bodyTruncated: boolean) => {
    const outcomes = apply(rules, response({ text: '{"a"', bodyTruncated }));
    return judge({ error: null, inspected: true, timeoutMs: 1_000 }, outcomes, {
      loopDelayMs: 0,
      networkLost: false,
      resolverLost: false,
    }).reason;
  };
  assertEquals(ask({ regex: ["z"] }, false), "regex");
  assertEquals(ask({ regex: ["z"] }, true), "regex (body cut)");
  assertEquals(ask({ not_regex: ["a"] }, true), "not_regex (body cut)");
  assertEquals(ask({ json: [json("a", { equals: 1 })] }, true), "json (body cut)");
  assertEquals(ask({ max_body_bytes: 4 }, true), "max_body_bytes");
  assertEquals(ask({ regex: ["a"] }, true), null);
});

Deno.test("applyRules() says by how much a rule of time was exceeded", () => {
  const over = (ms: number) =>
    apply({ max_response_time_ms: 100 }, response({ ms })).map(({ overMs }) => overMs);
  assertEquals([over(100), over(100.5)], [[undefined, undefined], [undefined, 0.5]]);
});

Deno.test("applyRules() takes a status that is in any of the ranges", () => {
  const valid_status_codes = [{ from: 200, to: 299 }, { from: 404, to: 404 }];
  for (const [status, ok] of [[200, true], [299, true], [300, false], [404, true], [199, false]]) {
    assertEquals(apply({ valid_status_codes }, response({ status: status as number })), [
      { rule: "status", ok: ok as boolean, expected: "200-299, 404", found: String(status) },
    ]);
  }
});

Deno.test("applyRules() gives the rules in the order in which they decide", () => {
  const all: SiteRules = {
    valid_status_codes: [{ from: 204, to: 204 }],
    regex: ["x"],
    not_regex: ["h"],
    response_headers: [header({ absent: null, regex: "x" })],
    json: [json("a", { min: 1 })],
    max_response_time_ms: 1,
    degraded_response_time_ms: 1,
    min_body_bytes: 9,
    max_body_bytes: 1,
    certificate_days_left: 30,
  };
  const outcomes = apply(all, { ...withExpiry(3), body: new TextEncoder().encode("hello") });
  assertEquals(outcomes.map(({ rule, ok }) => [rule, ok]), [
    ["status", false],
    ["min_body_bytes", false],
    ["max_body_bytes", false],
    ["regex", false],
    ["not_regex", false],
    ["response_headers", false],
    ["json", false],
    ["max_response_time_ms", false],
    ["certificate_days_left", false],
    ["degraded_response_time_ms", false],
  ]);
});

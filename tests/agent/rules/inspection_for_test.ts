import { assertEquals, assertThrows } from "@std/assert";
import { inspectionFor, matchedIn } from "../../../agent/rules/index.ts";
import { response, site } from "../support.ts";

Deno.test("inspectionFor() asks for nothing where no rule is about a text", () => {
  const { rules } = site({ rules: { max_response_time_ms: 1, min_body_bytes: 1 } });
  assertEquals(inspectionFor(rules, response({ text: "x" })), null);
});

Deno.test("inspectionFor() asks for all in one go, of headers that are there", () => {
  const headerRule = { regex: "^a", not_regex: "b$", absent: null };
  const json = [{ path: "a", matches: null, min: 1, max: null }];
  const { rules } = site({
    rules: {
      regex: ["one", "two"],
      not_regex: ["three"],
      response_headers: [
        { ...headerRule, name: "server" },
        { ...headerRule, name: "missing" },
        { name: "server", regex: null, not_regex: null, absent: true },
      ],
      json,
    },
  });
  const headers = [["server", "abc"], ["content-type", "text/html; charset=latin1"]] as const;
  const record = response({ headers, text: "body" });
  assertEquals(inspectionFor(rules, record), {
    body: record.body,
    contentType: "text/html; charset=latin1",
    searches: [
      { pattern: "one", text: null },
      { pattern: "two", text: null },
      { pattern: "three", text: null },
      { pattern: "^a", text: "abc" },
      { pattern: "b$", text: "abc" },
    ],
    json,
  });
});

Deno.test("matchedIn() reads the answers by pattern and text", () => {
  const searches = [
    { pattern: "a", text: null },
    { pattern: "a", text: "header" },
    { pattern: "b", text: null },
  ];
  const matched = matchedIn(searches, { matched: [true, false, false], json: [] });
  assertEquals([matched("a", null), matched("a", "header"), matched("b", null)], [
    true,
    false,
    false,
  ]);
  assertThrows(() => matched("b", "header"), RangeError, 'Nobody looked for "b"');
});

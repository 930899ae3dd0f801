import { assert, assertEquals } from "@std/assert";
import { decode, MAX_VALUE_BYTES } from "../../wire/decode.ts";
import { encode } from "../../wire/encode.ts";
import type { ResultMessage } from "../../wire/message.ts";

const UTF8 = new TextEncoder();

/** What the older program sends: the seven fields, regexResult false where there is no regex. */
const SEVEN = {
  ts: "2020-10-12 18:33:27.101323",
  agentUUID: "d2f7ad13-1c0b-4b5d-9a40-0d1f1d3c2b11",
  url: "https://example.com/",
  regexResult: false,
  responseCode: 200,
  responseTime: 123,
  errorMessage: null,
};

function decodeJson(value: unknown) {
  return decode(UTF8.encode(JSON.stringify(value)));
}

Deno.test("decode() takes the older program's seven fields alone", () => {
  assertEquals(decodeJson(SEVEN), { ok: true, message: SEVEN });
});

Deno.test("decode() takes a ts without a fraction and an upper-case UUID", () => {
  const decoded = decodeJson({
    ...SEVEN,
    ts: "2020-10-12 18:33:27",
    agentUUID: SEVEN.agentUUID.toUpperCase(),
  });
  assert(decoded.ok);
  assertEquals(decoded.message.ts, "2020-10-12 18:33:27");
  assertEquals(decoded.message.agentUUID, SEVEN.agentUUID);
});

Deno.test("decode() ignores fields that it does not know, and optional ones that are null", () => {
  assertEquals(decodeJson({ ...SEVEN, colour: "blue", verdict: null, __proto__x: 1 }), {
    ok: true,
    message: SEVEN,
  });
});

Deno.test("decode() reads what encode() wrote", () => {
  const message: ResultMessage = {
    ...SEVEN,
    url: "https://example.com/\u{1F600}\n\"'",
    regexResult: null,
    responseCode: null,
    responseTime: 0.125,
    errorMessage: "Connection refused",
    site: "front page",
    verdict: "down",
    reason: "connection_refused",
    errorClass: "connection_refused",
    scheduledAt: "2020-10-12 18:33:27.000000",
  };
  assertEquals(decode(UTF8.encode(encode(message))), { ok: true, message });
});

Deno.test("encode() gives one line that a reader of the seven fields alone can read", () => {
  const text = encode({ ...SEVEN, site: "a\nb", verdict: "up" });
  assert(!text.includes("\n"));
  const read = JSON.parse(text);
  for (const [field, value] of Object.entries(SEVEN)) assertEquals(read[field], value);
});

const { ts: _ts, ...withoutTs } = SEVEN;
const { errorMessage: _errorMessage, ...withoutErrorMessage } = SEVEN;
const POISON: [name: string, value: Uint8Array | null, reason: string, detail: string][] = [
  ["a null value", null, "null_value", "The record has no value"],
  ["an empty value", new Uint8Array(), "empty_value", "The record's value has no bytes"],
  [
    "a value over 1 MiB",
    UTF8.encode(JSON.stringify({ ...SEVEN, extra: "x".repeat(MAX_VALUE_BYTES) })),
    "too_large",
    "bytes, where 1048576 is the most",
  ],
  ["bytes that are not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "bad_utf8", "not UTF-8"],
  ["text that is not JSON", UTF8.encode("{oops"), "bad_json", "JSON"],
  ["a JSON array", UTF8.encode("[]"), "not_an_object", "not an object"],
  ["JSON null", UTF8.encode("null"), "not_an_object", "not an object"],
  ["deeply nested JSON", UTF8.encode("[".repeat(500_000)), "bad_json", ""],
  json("a missing ts", withoutTs, "missing_field", '"ts" is missing'),
  json("a missing errorMessage", withoutErrorMessage, "missing_field", '"errorMessage"'),
  json("a ts that is a number", { ...SEVEN, ts: 1 }, "wrong_type", "expected a string"),
  json("a status that is text", { ...SEVEN, responseCode: "200" }, "wrong_type", "found string"),
  json("a status with a fraction", { ...SEVEN, responseCode: 200.5 }, "wrong_type", "whole"),
  json("a regexResult of 1", { ...SEVEN, regexResult: 1 }, "wrong_type", "found number"),
  json("a response time of null", { ...SEVEN, responseTime: null }, "wrong_type", "found null"),
  json("an overflowing status", { ...SEVEN, responseCode: 2 ** 31 }, "bad_value", "out of range"),
  json("an overflowing time", { ...SEVEN, responseTime: 1e12 }, "bad_value", "out of range"),
  json("a negative time", { ...SEVEN, responseTime: -1 }, "bad_value", "out of range"),
  [
    "a number beyond a double",
    UTF8.encode(JSON.stringify(SEVEN).replace(":123", ":1e400")),
    "bad_value",
    "Infinity",
  ],
  json("the year 10000", { ...SEVEN, ts: "10000-01-01 00:00:00" }, "bad_value", '"10000-'),
  json("an empty URL", { ...SEVEN, url: "" }, "bad_value", '"url" is empty'),
  json("a UUID that is none", { ...SEVEN, agentUUID: "x" }, "bad_value", "expected a UUID"),
  json("a NUL in the URL", { ...SEVEN, url: "http://a/\0" }, "nul_character", '"url"'),
  json("a NUL in the message", { ...SEVEN, errorMessage: "a\0" }, "nul_character", "U+0000"),
  json("a lone surrogate", { ...SEVEN, errorMessage: "\ud800" }, "bad_value", "surrogate"),
  json("an unknown verdict", { ...SEVEN, verdict: "fine" }, "bad_value", "up, degraded"),
  json("a site that is a number", { ...SEVEN, site: 1 }, "wrong_type", '"site"'),
];

function json(
  name: string,
  value: unknown,
  reason: string,
  detail: string,
): [string, Uint8Array, string, string] {
  return [name, UTF8.encode(JSON.stringify(value)), reason, detail];
}

for (const [name, value, reason, detail] of POISON) {
  Deno.test(`decode() refuses ${name} as ${reason}`, () => {
    const decoded = decode(value);
    assert(!decoded.ok);
    assertEquals(decoded.reason, reason);
    assert(decoded.detail.includes(detail), decoded.detail);
  });
}

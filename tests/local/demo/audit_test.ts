import { assertEquals } from "@std/assert";
import { compare, type StoredResult } from "../../../local/demo/audit.ts";
import type { TopicRecord } from "../../../local/demo/topic_reader.ts";

const AGENT = "0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90";
const URL = "http://a.example/";

function record(offset: number, second: number, fields: object = {}): TopicRecord {
  const ts = `2026-01-01 00:00:0${second}.000000`;
  const value = JSON.stringify({ ts, agentUUID: AGENT, url: URL, ...fields });
  return { partition: 0, offset: BigInt(offset), value };
}

function row(second: number, rows = 1): StoredResult {
  return { ts: `2026-01-01 00:00:0${second}.000000`, agent: AGENT, url: URL, rows };
}

Deno.test("compare() finds nothing where every record has its row", () => {
  assertEquals(compare([record(0, 1), record(1, 2)], [row(1), row(2)], []), {
    records: 2,
    written: 2,
    deadLetters: 0,
    lost: 0,
    duplicates: 0,
  });
});

Deno.test("compare() counts a record without a row as lost, a second row as a duplicate", () => {
  const audit = compare([record(0, 1), record(1, 2)], [row(2, 3)], []);
  assertEquals([audit.written, audit.lost, audit.duplicates], [3, 1, 2]);
});

Deno.test("compare() takes a dead letter for its record, at its place only", () => {
  const bad = { partition: 0, offset: 5n, value: "no JSON" };
  const good = compare([bad], [], [{ partition: 0, offset: 5n }]);
  assertEquals([good.lost, good.deadLetters], [0, 1]);
  const other = compare([bad], [], [{ partition: 1, offset: 5n }]);
  assertEquals([other.lost, other.deadLetters], [1, 0]);
});

Deno.test("compare() wants a result that was sent twice once", () => {
  const audit = compare([record(0, 1), record(1, 1)], [row(1)], []);
  assertEquals([audit.records, audit.written, audit.lost, audit.duplicates], [2, 1, 0, 0]);
});

Deno.test("compare() wants a row for each of two sites of one URL", () => {
  const records = [record(0, 1, { site: "one" }), record(1, 1, { site: "two" })];
  assertEquals(compare(records, [row(1, 2)], []).duplicates, 0);
  assertEquals(compare(records, [row(1)], []).lost, 1);
});

Deno.test("compare() reads a time without a fraction", () => {
  const whole = record(0, 1, { ts: "2026-01-01 00:00:01" });
  assertEquals(compare([whole], [row(1)], []).lost, 0);
});

Deno.test("compare() counts a null value that nobody set aside as lost", () => {
  assertEquals(compare([{ partition: 0, offset: 0n, value: null }], [], []).lost, 1);
});

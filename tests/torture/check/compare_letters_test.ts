import { assertEquals } from "@std/assert";
import { splitAccount } from "./account.ts";
import { compareLetters } from "./compare_letters.ts";
import { base64, letterOf, recordOf, resultOf, rowOf } from "./evidence_fixture.ts";
import { recordToSend, type SentRecord } from "../load/ledger.ts";
import { poisonRecords, unreadableKey } from "../load/poison.ts";
import type { Letter, ResultRow } from "./tables.ts";

const GOOD = recordToSend(resultOf());
const CLASH = recordToSend(resultOf({ responseCode: 404, responseTime: 1 }));
const POISON = poisonRecords(1, GOOD.value!, { large: true });
const SENT: readonly SentRecord[] = [GOOD, ...POISON, CLASH];
const RECORDS = SENT.map((one, offset) => recordOf(one, offset));
/** What has to be there. */
const LETTERS = RECORDS.slice(1).map((record) =>
  record.offset === String(SENT.length - 1) ? letterOf(record, "key_taken") : letterOf(record)
);

function compare(
  letters: readonly Letter[],
  { sent = SENT, acknowledged = sent, records = RECORDS, results = [], topicAnew = false }: {
    sent?: readonly SentRecord[];
    acknowledged?: readonly SentRecord[];
    records?: typeof RECORDS;
    results?: ResultRow[];
    topicAnew?: boolean;
  } = {},
): string[] {
  const ledger = { sent: [...sent], acknowledged: [...acknowledged] };
  const { good, poison } = splitAccount(ledger, records);
  return compareLetters({ letters, results, good, poison, topicAnew });
}

function changed(index: number, change: Partial<Letter>): Letter[] {
  return LETTERS.map((letter, i) => i === index ? { ...letter, ...change } : letter);
}

Deno.test("compareLetters() finds nothing where the letters are the poison and the clashes", () => {
  assertEquals(compare(LETTERS), []);
});

Deno.test("compareLetters() finds a letter that is missing, of whatever kind", () => {
  for (const [i, { reason, offset }] of LETTERS.entries()) {
    const left = LETTERS.filter((_, other) => other !== i);
    // Not acknowledged, so that the record in the topic alone asks for it.
    const found = compare(left, { acknowledged: [] });
    assertEquals(found, [`no letter "${reason}" of 0/${offset} with its bytes`]);
  }
});

Deno.test("compareLetters() finds acknowledged poison that is not even in the topic", () => {
  const found = compare([], { records: [] });
  assertEquals(found.length, POISON.length);
  assertEquals(found[2], 'no letter of an acknowledged record, "bad_json" with key poison-1-2');
});

Deno.test("compareLetters() finds bytes that differ after the first hundreds", () => {
  const index = LETTERS.findIndex(({ reason }) => reason === "too_large");
  const { value } = POISON.at(-1)!;
  const cut = recordOf({ key: null, value: value!.slice(0, -4) }, index + 1);
  assertEquals(compare(changed(index, { valueHash: letterOf(cut).valueHash })), [
    `no letter "too_large" of 0/${index + 1} with its bytes`,
    `too_large of 0/${index + 1}`,
    'no letter of an acknowledged record, "too_large" with key poison-1-14',
  ]);
});

Deno.test("compareLetters() finds another key, and an empty value in place of none", () => {
  const other = compare(changed(2, { keyHash: null }), { acknowledged: [] });
  assertEquals(other, ["the letter of 0/3 has other bytes"]);
  assertEquals(POISON[0]!.value, null);
  const empty = letterOf(recordOf({ key: null, value: "" })).valueHash;
  const filled = compare(changed(0, { valueHash: empty }), { acknowledged: [] });
  assertEquals(filled, ["the letter of 0/1 has other bytes"]);
});

Deno.test("compareLetters() finds a wrong reason", () => {
  const found = compare(changed(2, { reason: "store_failed" }), { acknowledged: [] });
  assertEquals(found, ["the letter of 0/3 says store_failed, not bad_json"]);
});

Deno.test("compareLetters() finds a wrong place", () => {
  const found = compare(changed(2, { offset: "77" }));
  assertEquals(found, ['no letter "bad_json" of 0/3 with its bytes', "bad_json of 0/77"]);
});

Deno.test("compareLetters() finds a good result set aside, and a letter there twice", () => {
  const extra = letterOf(RECORDS[0]!, "store_failed");
  assertEquals(compare([...LETTERS, extra]), ["store_failed of 0/0"]);
  assertEquals(compare([...LETTERS, LETTERS[3]!]), ["a letter of 0/4 is there twice"]);
});

Deno.test("compareLetters() wants the first of a key to be the row, by its offset", () => {
  const later = RECORDS.at(-1)!;
  const swapped = [letterOf(RECORDS[0]!, "key_taken"), ...LETTERS.slice(0, -1)];
  assertEquals(compare(swapped, { records: RECORDS.toReversed() }), [
    `no letter "key_taken" of 0/${later.offset} with its bytes`,
    "key_taken of 0/0",
  ]);
});

Deno.test("compareLetters() says so where no poison was sent", () => {
  assertEquals(compare([], { sent: [GOOD], records: [RECORDS[0]!] }), ["no poison was sent"]);
});

Deno.test("compareLetters() lets letters of the topic before be, if they were sent", () => {
  const before = LETTERS.map((letter) => ({ ...letter, offset: `9${letter.offset}` }));
  const options = { topicAnew: true, results: [rowOf(resultOf())] };
  assertEquals(compare([...before, ...LETTERS], options), []);
  assertEquals(compare(before, { ...options, records: [] }), []);
  const unsent = letterOf(recordOf({ key: null, value: base64("{}") }, 5), "missing_field");
  assertEquals(compare([...before, unsent], { ...options, records: [] }), ["missing_field of 0/5"]);
  assertEquals(compare(before.slice(0, 3), { ...options, records: [] }).length, POISON.length - 3);
});

Deno.test("compareLetters() takes the row for the first of a key that the topic before had", () => {
  const options = { topicAnew: true, sent: SENT, results: [rowOf(resultOf())] };
  const records = [recordOf(CLASH, 0)];
  const letters = [...LETTERS.slice(0, -1), letterOf(records[0]!, "key_taken")];
  assertEquals(compare(letters, { ...options, records }), []);
  assertEquals(compare(LETTERS.slice(0, -1), { ...options, records }), [
    'no letter "key_taken" of 0/0 with its bytes',
  ]);
});

Deno.test("compareLetters() wants one letter of a batch that nobody can read, from its first record on", () => {
  const batch = [recordToSend(resultOf()), recordToSend(resultOf())]
    .map((sent) => ({ ...sent, key: unreadableKey(1), poison: true }));
  const sent = [...SENT, ...batch];
  const records = [...RECORDS, ...batch.map((one, n) => recordOf(one, 100 + n))];
  const letter = {
    ...letterOf(recordOf({ key: null, value: base64("some bytes") }, 100), "bad_batch"),
    lastOffset: "101",
  };
  const found = (...letters: Letter[]) => compare([...LETTERS, ...letters], { sent, records });
  assertEquals(found(letter), []);
  assertEquals(found(), ["no bad_batch of 0/100 to 101"]);
  assertEquals(found({ ...letter, lastOffset: "102" }), [
    "no bad_batch of 0/100 to 101",
    "bad_batch of 0/100 to 102",
  ]);
  assertEquals(found({ ...letter, valueHash: null }), ["bad_batch of 0/100 to 101 without bytes"]);
});

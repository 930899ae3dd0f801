import { type Account, hashOfKey, hashOfValue, identityOf, type Results } from "./account.ts";
import { saySame } from "./content.ts";
import { isUnreadable, poisonReason } from "../load/poison.ts";
import type { Letter, ResultRow } from "./tables.ts";
import type { TopicRecord } from "../seen/topic.ts";

const HASH_OF_NOTHING = hashOfValue("");

/** I6: the letters are exactly the poison and what came with a key that was taken. */
export function compareLetters(
  { letters, results, good, poison, topicAnew }: {
    letters: readonly Letter[];
    results: readonly ResultRow[];
    good: Results;
    poison: Account;
    /** Letters of the topic before may be there, too. */
    topicAnew: boolean;
  },
): string[] {
  const wrong = compareBatches(letters.filter(({ reason }) => reason === "bad_batch"), poison);
  letters = letters.filter(({ reason }) => reason !== "bad_batch");
  poison = {
    sent: poison.sent.filter(isReadable),
    acknowledged: poison.acknowledged.filter(isReadable),
    records: poison.records.filter(isReadable),
  };
  if (poison.sent.length === 0) wrong.push("no poison was sent");
  const expected = [
    ...poison.records.map((record) => letterOf(record, poisonReason(record.value))),
    ...takenKeys(good, topicAnew ? results : [])
      .map((record) => letterOf(record, "key_taken")),
  ];

  const left = new Map<string, Letter>();
  for (const letter of letters) {
    const name = `${placeOf(letter)} ${valueOf(letter)}`;
    if (left.has(name)) wrong.push(`a letter of ${placeOf(letter)} is there twice`);
    left.set(name, letter);
  }
  for (const letter of expected) {
    const name = `${placeOf(letter)} ${valueOf(letter)}`;
    const found = left.get(name);
    left.delete(name);
    if (!found) wrong.push(`no letter "${letter.reason}" of ${placeOf(letter)} with its bytes`);
    // Where the topic before had a letter without bytes at the same place, that one stays.
    else if (topicAnew && isEmpty(found)) continue;
    else if (found.keyHash !== letter.keyHash || found.valueHash !== letter.valueHash) {
      wrong.push(`the letter of ${placeOf(letter)} has other bytes`);
    } else if (found.reason !== letter.reason) {
      wrong.push(`the letter of ${placeOf(letter)} says ${found.reason}, not ${letter.reason}`);
    }
  }

  // What is left can only stem from the topic before.
  const earlier = new Set<string>();
  if (topicAnew) {
    for (const sent of poison.sent) {
      earlier.add(contentOf(letterAt(sent, poisonReason(sent.value))));
    }
    for (const sent of good.sent) earlier.add(contentOf(letterAt(sent, "key_taken")));
  }
  for (const letter of left.values()) {
    if (!earlier.has(contentOf(letter))) wrong.push(`${letter.reason} of ${placeOf(letter)}`);
  }

  const there = new Set(letters.map(contentOf));
  for (const sent of poison.acknowledged) {
    const letter = letterAt(sent, poisonReason(sent.value));
    if (there.has(contentOf(letter)) || (topicAnew && isEmpty(letter))) continue;
    wrong.push(`no letter of an acknowledged record, "${letter.reason}" with key ${sent.key}`);
  }
  return wrong;
}

function isReadable({ key }: { key: string | null }): boolean {
  return !isUnreadable(key);
}

/** Each batch that cannot be unpacked is one letter, of all its records, with its first bytes. */
function compareBatches(letters: readonly Letter[], { records, acknowledged }: Account): string[] {
  const batches = Map.groupBy(records.filter(({ key }) => isUnreadable(key)), ({ key }) => key);
  const expected = [...batches.values()].map((batch) => {
    const offsets = batch.map(({ offset }) => Number(offset));
    return `${batch[0]!.partition}/${Math.min(...offsets)} to ${Math.max(...offsets)}`;
  });
  const rangeOf = (letter: Letter) => `${placeOf(letter)} to ${letter.lastOffset}`;
  const found = letters.map(rangeOf);
  const sent = new Set(acknowledged.filter(({ key }) => isUnreadable(key)).map(({ key }) => key));
  return [
    ...expected.filter((range) => !found.includes(range)).map((range) =>
      `no bad_batch of ${range}`
    ),
    ...found.filter((range) => !expected.includes(range)).map((range) => `bad_batch of ${range}`),
    ...letters.filter(isEmpty).map((letter) => `bad_batch of ${rangeOf(letter)} without bytes`),
    ...[...sent].filter((key) => !batches.has(key)).map((key) => `"${key}" is not in the topic`),
  ];
}

/**
 * The records whose identity belongs to another content: that of the row, or else of the first one in
 * the topic.
 */
function takenKeys(
  { records, told }: Results,
  rows: readonly ResultRow[],
): TopicRecord[] {
  const owners = new Map<string, Record<string, unknown>>(
    rows.map((row) => [identityOf(row), row]),
  );
  const inOrder = [...records].sort((a, b) =>
    a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset))
  );
  return inOrder.filter(({ value }) => {
    const result = told.get(value)!;
    const owner = owners.get(result.identity);
    if (owner === undefined) owners.set(result.identity, result);
    return owner !== undefined && !saySame(owner, result);
  });
}

function letterOf({ partition, offset, key, value }: TopicRecord, reason: string): Letter {
  return {
    partition,
    offset,
    lastOffset: null,
    keyHash: hashOfKey(key),
    valueHash: hashOfValue(value),
    reason,
  };
}

/** A letter whose place is not known. */
function letterAt({ key, value }: { key: string | null; value: string | null }, reason: string) {
  return letterOf({ partition: -1, offset: "", key, value }, reason);
}

function placeOf({ partition, offset }: Letter): string {
  return `${partition}/${offset}`;
}

function isEmpty({ valueHash }: Letter): boolean {
  return valueHash === null || valueHash === HASH_OF_NOTHING;
}

/** A place has one letter of a value; none and an empty one count as the same. */
function valueOf(letter: Letter): string {
  return isEmpty(letter) ? "" : letter.valueHash!;
}

function contentOf({ keyHash, valueHash, reason }: Letter): string {
  return `${keyHash} ${valueHash} ${reason}`;
}

import type { ClientBase } from "pg";
import type { BatchSource } from "../offsets.ts";

/** A record that can never be a result, with what is known of why. */
export interface DeadLetter {
  offset: bigint;
  key: Uint8Array | null;
  value: Uint8Array | null;
  /** A short stable name: wire/decode.ts's, "key_taken" or "store_failed". */
  reason: string;
  /** For a person. */
  detail: string;
}

/** Bytes in one statement; they travel as hexadecimal text, twice as long. */
const MAX_STATEMENT_BYTES = 4 * 1024 * 1024;
const MAX_STATEMENT_LETTERS = 1000;
const MAX_DETAIL = 1000;

/** Stores dead letters; one that is there already stays as it is. */
export async function insertDeadLetters(
  client: ClientBase,
  source: BatchSource,
  letters: readonly DeadLetter[],
): Promise<void> {
  for (const group of grouped(letters)) {
    await client.query(
      `INSERT INTO dead_letters
         (cluster_id, topic, partition, "offset", key, value, reason, detail)
       SELECT $1, $2, $3, l.*
       FROM unnest($4::int8[], $5::bytea[], $6::bytea[], $7::text[], $8::text[]) AS l
       ON CONFLICT DO NOTHING`,
      [
        source.clusterId,
        source.topic,
        source.partition,
        group.map(({ offset }) => offset),
        group.map(({ key }) => key),
        group.map(({ value }) => value),
        group.map(({ reason }) => reason),
        group.map(({ detail }) => storable(detail)),
      ],
    );
  }
}

function* grouped(letters: readonly DeadLetter[]): Generator<DeadLetter[]> {
  let group: DeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = (letter.key?.length ?? 0) + (letter.value?.length ?? 0);
    const full = group.length === MAX_STATEMENT_LETTERS || bytes + size > MAX_STATEMENT_BYTES;
    if (group.length > 0 && full) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(letter);
    bytes += size;
  }
  if (group.length > 0) yield group;
}

/** PostgreSQL's text has no U+0000; what a bad message says may have one. */
function storable(detail: string): string {
  return detail.slice(0, MAX_DETAIL).replaceAll("\0", "\u{FFFD}");
}

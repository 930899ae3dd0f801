import { recordHash, type StoredOffset } from "../db/offsets.ts";
import type { RawRecord } from "./decode_records.ts";

/** What is kept of a partition when `record` is the last one stored. */
export function offsetAfter(record: RawRecord): StoredOffset {
  return {
    nextOffset: record.offset + 1n,
    lastTimestamp: record.timestamp,
    lastHash: recordHash(record),
  };
}

/**
 * Whether a fetch from the last stored record begins with that very one. True also where the record
 * is gone (retention, compaction): then nothing can be said.
 */
export function beginsWithLast(first: RawRecord | undefined, last: StoredOffset): boolean {
  if (!first || first.offset !== last.nextOffset - 1n || last.lastHash === null) return true;
  return Buffer.compare(recordHash(first), last.lastHash) === 0 &&
    (last.lastTimestamp === null || last.lastTimestamp === first.timestamp);
}

import { Buffer } from "node:buffer";
import type { Bounds } from "../../kafka/cluster.ts";
import { recordHash } from "../../runtime/record_hash.ts";
import type { StoredOffset } from "../offsets.ts";
import type { RawRecord } from "../sink.ts";

/** Where to read a partition from, and what was noticed on the way. */
export interface ReadPlan {
  /** The offset to ask Kafka for first. */
  fetchFrom: bigint;
  /** The offset of the first record to store. */
  position: bigint;
  /**
   * The last stored record, to be read again: if another one stands before `position` now, the topic
   * was made anew. Null where it cannot be read.
   */
  verify: StoredOffset | null;
  /** Set where the stored offset does not fit the topic and must move to `position`. */
  moved: "topic_anew" | "gap" | null;
}

/**
 * Decides where to read from: the stored offset, not Kafka's own, says what is done.
 *
 * - nothing stored: the partition's start
 * - past the partition's end: the topic was made anew, its start
 * - before the partition's start: the topic's retention deleted records that nobody had read
 * - else there, one record early, so that the last stored one can be compared
 *
 * Behind a gap the last stored record is of long before: in the same topic nothing can be read right
 * before `position` any more, and what can is another record, of a topic made anew.
 */
export function planRead(stored: StoredOffset | null, { low, high }: Bounds): ReadPlan {
  const start = { fetchFrom: low, position: low, verify: null };
  if (stored === null) return { ...start, moved: null };
  const { nextOffset, lastHash } = stored;
  if (nextOffset > high) return { ...start, moved: "topic_anew" };
  if (nextOffset < low) return { ...start, moved: "gap" };
  const verify = lastHash !== null && nextOffset > low ? stored : null;
  const fetchFrom = verify ? nextOffset - 1n : nextOffset;
  return { fetchFrom, position: nextOffset, verify, moved: null };
}

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

import type { StoredOffset } from "../db/offsets.ts";
import type { Bounds } from "../kafka/cluster.ts";

/** Where to read a partition from, and what was noticed on the way. */
export interface ReadPlan {
  /** The offset to ask Kafka for first. */
  fetchFrom: bigint;
  /** The offset of the first record to store. */
  position: bigint;
  /**
   * The last stored record, to be read again: if another one stands at its offset now, the topic was
   * made anew. Null where it cannot be read.
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
 */
export function planRead(stored: StoredOffset | null, { low, high }: Bounds): ReadPlan {
  if (stored === null) return { fetchFrom: low, position: low, verify: null, moved: null };
  const { nextOffset } = stored;
  if (nextOffset > high) {
    return { fetchFrom: low, position: low, verify: null, moved: "topic_anew" };
  }
  if (nextOffset < low) return { fetchFrom: low, position: low, verify: null, moved: "gap" };
  if (stored.lastHash !== null && nextOffset > low) {
    return { fetchFrom: nextOffset - 1n, position: nextOffset, verify: stored, moved: null };
  }
  return { fetchFrom: nextOffset, position: nextOffset, verify: null, moved: null };
}

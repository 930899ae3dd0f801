import { type ConsumerStats, newConsumerStats } from "../consume/stats.ts";
import type { DecodeReason } from "../wire/decode.ts";

/** What a writer has done since it started, and how things stand now. */
export interface WriterStats extends ConsumerStats {
  /** Rows put into the table. */
  inserted: number;
  /** Results that were there already, the same. */
  duplicates: number;
  deadLetters: number;
  /** Results of days that the database's retention has dropped. */
  expired: number;
  /** Dead letters by reason: every one that there is, at 0 until it is seen. */
  deadLetterReasons: Map<string, number>;
}

/** Beside those of decoding; the store sets these aside. */
type OtherReason = "bad_batch" | "ts_out_of_range" | "key_taken" | "store_failed";

const NO_DEAD_LETTERS: Record<DecodeReason | OtherReason, 0> = {
  null_value: 0,
  empty_value: 0,
  too_large: 0,
  bad_utf8: 0,
  bad_json: 0,
  not_an_object: 0,
  missing_field: 0,
  wrong_type: 0,
  bad_value: 0,
  nul_character: 0,
  bad_batch: 0,
  ts_out_of_range: 0,
  key_taken: 0,
  store_failed: 0,
};

/** @param now Monotonic, milliseconds */
export function newWriterStats(now: number): WriterStats {
  const stats = newConsumerStats(now);
  stats.retries.partitions = 0;
  return {
    ...stats,
    inserted: 0,
    duplicates: 0,
    deadLetters: 0,
    expired: 0,
    deadLetterReasons: new Map(Object.entries(NO_DEAD_LETTERS)),
  };
}

/** Counts dead letters that are stored, given by reason. */
export function recordDeadLetters(
  { deadLetterReasons }: WriterStats,
  reasons: Readonly<Record<string, number>>,
): void {
  for (const [reason, count] of Object.entries(reasons)) {
    deadLetterReasons.set(reason, (deadLetterReasons.get(reason) ?? 0) + count);
  }
}

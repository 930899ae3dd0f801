import type { StoreOutcome } from "../db/store/store.ts";
import { Histogram } from "../runtime/histogram.ts";
import type { DecodeReason } from "../wire/decode.ts";

/** What a writer tries again until it works. */
export type Attempt = "kafka" | "consume" | "partitions" | "place" | "store";

/** Where one assigned partition stands. */
export interface PartitionProgress {
  /** Offset of the next record to store; null until it is found. */
  position: bigint | null;
  /** Offset of the next record to be written to the topic, as last heard; null until it is. */
  end: bigint | null;
  /** What failed at the last try and is tried again; null where all went well. */
  failing: "place" | "store" | null;
}

/** What a writer has done since it started, and how things stand now. */
export interface WriterStats {
  /** Transactions. */
  batches: number;
  /** Rows put into the table. */
  inserted: number;
  /** Results that were there already, the same. */
  duplicates: number;
  deadLetters: number;
  /** Dead letters by reason: every one that there is, at 0 until it is seen. */
  deadLetterReasons: Map<string, number>;
  /** Records that another writer had stored. */
  skipped: number;
  /** Records that the topic's retention deleted before they were stored here. */
  expiredUnread: number;
  /** How often a topic was found made anew. */
  topicsAnew: number;
  /** Of each transaction that was committed, with its way to the database and back, milliseconds. */
  transactions: Histogram;
  /** Tries that failed and are made again, by what was tried. */
  retries: Record<Attempt, number>;
  /** How often the consumer group was joined. */
  joins: number;
  /** Whether this process is in the group now. */
  joined: boolean;
  /** By number; those assigned now. */
  partitions: Map<number, PartitionProgress>;
  /** Monotonic time of the last thing that the consumer did, or failed to do. */
  aliveAt: number;
}

/** Those of decoding, and those of the store (see db/store/). */
const NO_DEAD_LETTERS: Record<DecodeReason | "key_taken" | "store_failed", 0> = {
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
  key_taken: 0,
  store_failed: 0,
};

/** From a batch of a few rows to the statement timeout, 60 s. */
const TRANSACTION_BOUNDS_MS = [
  ...[2.5, 5, 10, 25, 50, 100, 250, 500],
  ...[1_000, 2_500, 5_000, 10_000, 30_000, 60_000],
];

/** @param now Monotonic, milliseconds */
export function newWriterStats(now: number): WriterStats {
  return {
    batches: 0,
    inserted: 0,
    duplicates: 0,
    deadLetters: 0,
    deadLetterReasons: new Map(Object.entries(NO_DEAD_LETTERS)),
    skipped: 0,
    expiredUnread: 0,
    topicsAnew: 0,
    transactions: new Histogram(TRANSACTION_BOUNDS_MS),
    retries: { kafka: 0, consume: 0, partitions: 0, place: 0, store: 0 },
    joins: 0,
    joined: false,
    partitions: new Map(),
    aliveAt: now,
  };
}

/** Counts a transaction that was committed. @param ms With its way to the database and back */
export function recordStored(
  stats: WriterStats,
  outcome: Extract<StoreOutcome, { kind: "stored" }>,
  ms: number,
): void {
  stats.batches++;
  stats.transactions.record(ms);
  stats.inserted += outcome.inserted;
  stats.duplicates += outcome.duplicates;
  stats.deadLetters += outcome.deadLetters;
  stats.skipped += outcome.skipped;
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

/** Counts a failure of what is tried again; trying is a sign of life. @param now Monotonic */
export function recordFailure(stats: WriterStats, attempt: Attempt, now: number): void {
  stats.retries[attempt]++;
  stats.aliveAt = now;
}

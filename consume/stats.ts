import { Histogram } from "../runtime/ops/histogram.ts";

/** Where one assigned partition stands. */
export interface PartitionProgress {
  /** Offset of the next record to store; null until it is found. */
  position: bigint | null;
  /** Offset of the next record to be written to the topic, as last heard; null until it is. */
  end: bigint | null;
  /** What failed at the last try and is tried again; null where all went well. */
  failing: "place" | "store" | null;
}

/** What a consumer has done since it started, and how things stand now. */
export interface ConsumerStats {
  /** Transactions. */
  batches: number;
  /** Records that another process had stored. */
  skipped: number;
  /** Records that the topic's retention deleted before they were stored here. */
  expiredUnread: number;
  /** How often a topic was found made anew. */
  topicsAnew: number;
  /** Of each transaction that was committed, with its way to the database and back, milliseconds. */
  transactions: Histogram;
  /** Tries that failed and are made again, by what was tried: these, and the mode's own. */
  retries: Record<"kafka" | "consume" | "place" | "store", number> & Record<string, number>;
  /** How often the consumer group was joined. */
  joins: number;
  /** Whether this process is in the group now. */
  joined: boolean;
  /** By number; those assigned now. */
  partitions: Map<number, PartitionProgress>;
  /** Monotonic time of the last thing that the consumer did, or failed to do. */
  aliveAt: number;
}

/** From a batch of a few rows to the statement timeout, 60 s. */
const TRANSACTION_BOUNDS_MS = [
  ...[2.5, 5, 10, 25, 50, 100, 250, 500],
  ...[1_000, 2_500, 5_000, 10_000, 30_000, 60_000],
];

/** @param now Monotonic, milliseconds */
export function newConsumerStats(now: number): ConsumerStats {
  return {
    batches: 0,
    skipped: 0,
    expiredUnread: 0,
    topicsAnew: 0,
    transactions: new Histogram(TRANSACTION_BOUNDS_MS),
    retries: { kafka: 0, consume: 0, place: 0, store: 0 },
    joins: 0,
    joined: false,
    partitions: new Map(),
    aliveAt: now,
  };
}

/** Counts a failure of what is tried again; trying is a sign of life. @param now Monotonic */
export function recordFailure(stats: ConsumerStats, attempt: string, now: number): void {
  stats.retries[attempt] = (stats.retries[attempt] ?? 0) + 1;
  stats.aliveAt = now;
}

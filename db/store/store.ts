import type { Pool } from "pg";
import type { Clock } from "../../runtime/clock.ts";
import type { PassFailpoint } from "../../runtime/failpoints.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Decoded } from "../../wire/decode.ts";
import type { BatchSource, StoredOffset } from "../offsets.ts";
import { PostgresStore } from "./postgres_store.ts";
import type { ServerTimeouts } from "../connect/transaction.ts";

export type { BatchSource, StoredOffset };

/** A record of the topic, read. */
export interface IncomingRecord {
  offset: bigint;
  /** Kafka's, milliseconds since 1970. */
  timestamp: bigint;
  key: Uint8Array | null;
  value: Uint8Array | null;
  decoded: Decoded;
}

/** What became of a batch. */
export type StoreOutcome =
  | {
    kind: "stored";
    /** Rows put into the table. */
    inserted: number;
    /** Results that were there already, the same. */
    duplicates: number;
    deadLetters: number;
    /** Records below the stored offset: another writer has stored them. */
    skipped: number;
    nextOffset: bigint;
  }
  /**
   * The stored offset is before the batch's place, so the database was put back to an older copy;
   * nothing was stored, read on from `storedOffset`, or from the start where it is null.
   */
  | { kind: "moved"; storedOffset: bigint | null };

/** Where a writer puts results, and the offsets that say what is done. */
export interface ResultStore {
  /** Where a partition stands; null where nothing of it was stored yet. */
  readOffset(source: BatchSource): Promise<StoredOffset | null>;

  /**
   * Stores a batch in one transaction (or a few, where it has results of very many days): rows,
   * dead letters and the offset, all or nothing. The lock on
   * the offset keeps a writer that lost the partition from storing beside the one that has it.
   *
   * What cannot be stored for good becomes a dead letter: what did not decode, a result whose
   * identity another one has (`key_taken`), a result that the database refuses while it takes others
   * of the batch, or all of a batch that it refuses for ten minutes on end (`store_failed`).
   *
   * @param records At least one, in the order of their offsets
   * @param position The offset of the first record that the caller has not seen stored: what
   *   `readOffset` gave or the last `nextOffset`; where `readOffset` gave null, the partition's start
   * @throws What a retry of the same call may mend, with its SQLSTATE in `code`
   */
  storeBatch(
    source: BatchSource,
    records: readonly IncomingRecord[],
    position: bigint,
  ): Promise<StoreOutcome>;

  /**
   * Moves a stored offset that does not fit the topic any more. False, and nothing is done, where it
   * is not `from`: another writer was first.
   */
  moveOffset(source: BatchSource, from: bigint, to: bigint): Promise<boolean>;

  /**
   * Makes the partitions from yesterday's to that of seven days ahead; returns how many were new.
   *
   * @throws What a retry may mend; where a day is being detached, after all others were made
   */
  ensurePartitionsAhead(): Promise<number>;
}

/** Settings of a store. */
export interface StoreOptions extends ServerTimeouts {
  log: Logger;
  /** @default systemClock */
  clock?: Clock;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
  /** Told of dead letters by reason, once their transaction is committed. */
  onDeadLetters?: (reasons: Readonly<Record<string, number>>) => void;
}

/** Results go into the database of `pool`. */
export function createStore(pool: Pool, options: StoreOptions): ResultStore {
  return new PostgresStore(pool, options);
}

/** Where a batch goes on, and what became of it. */
import type { DeadLetter } from "./letters.ts";

/** Where a batch goes on. */
export interface BatchPlace {
  /** The offset of the first record that the caller has not seen stored. */
  position: bigint;
  /**
   * Whether the caller saw that nothing of the partition was stored. Only then may it get an offset,
   * at `position`: elsewhere a missing one means that the database was put back.
   */
  first: boolean;
}

/** What became of a batch that was stored. */
export interface Stored {
  kind: "stored";
  /** Rows put into the table. */
  inserted: number;
  /** Results that were there already, the same. */
  duplicates: number;
  deadLetters: number;
  /** Results of days that the retention has dropped. */
  expired: number;
  /** Records below the stored offset: another writer has stored them. */
  skipped: number;
  nextOffset: bigint;
}

/** What became of a batch. */
export type StoreOutcome =
  | Stored
  /**
   * The stored offset is before the batch's place, so the database was put back to an older copy;
   * nothing was stored, read on from `storedOffset`, or from the start where it is null.
   */
  | { kind: "moved"; storedOffset: bigint | null };

/** What became of results that come from no topic. */
export interface Loaded {
  /** Rows put into the table. */
  inserted: number;
  /** Results that were there already, the same. */
  duplicates: number;
  /** Results of days that the retention has dropped. */
  expired: number;
  refused: readonly Pick<DeadLetter, "offset" | "reason" | "detail">[];
}

export const NOTHING_STORED: Stored = {
  kind: "stored",
  inserted: 0,
  duplicates: 0,
  deadLetters: 0,
  expired: 0,
  skipped: 0,
  nextOffset: 0n,
};

/** Of two parts of a batch, in their order. */
export function sum(first: Stored, second: Stored): Stored {
  return {
    kind: "stored",
    inserted: first.inserted + second.inserted,
    duplicates: first.duplicates + second.duplicates,
    deadLetters: first.deadLetters + second.deadLetters,
    expired: first.expired + second.expired,
    skipped: first.skipped + second.skipped,
    nextOffset: second.nextOffset,
  };
}

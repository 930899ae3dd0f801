/** Who reads what: offsets are kept by all four. Two clusters may have topics of one name. */
export interface Source {
  /** "writer" for one; each kind of consumer reads the whole topic. */
  consumer: string;
  clusterId: string;
  topic: string;
  partition: number;
}

/** A record as Kafka has it. */
export interface RawRecord {
  offset: bigint;
  /** Kafka's, milliseconds since 1970. */
  timestamp: bigint;
  key: Uint8Array | null;
  value: Uint8Array | null;
  /**
   * Set where this stands for a whole batch of records that cannot be decoded: its first offset, and
   * why, for a person. `offset` is its last one, `value` its bytes (the first MiB), to be set aside.
   */
  badBatch?: { firstOffset: bigint; detail: string };
}

/** Where a batch goes on. */
export interface Place {
  /** Of the first record that the consumer has not seen stored. */
  position: bigint;
  /**
   * Whether nothing of the partition was stored yet when it was looked at. Only then may the sink make
   * the partition's offset, at `position`: elsewhere, none means that the database was put back.
   */
  first: boolean;
}

/** What became of a batch. */
export type StoreOutcome =
  | {
    kind: "stored";
    /** Records below the stored offset: another process has stored them. */
    skipped: number;
    nextOffset: bigint;
  }
  /**
   * The stored offset is before the batch's place, so the database was put back to an older copy;
   * nothing was stored, read on from `storedOffset`, or from the start where it is null.
   */
  | { kind: "moved"; storedOffset: bigint | null };

/** What is done with the records. */
export interface Sink {
  /**
   * Stores a batch and moves the partition's offset behind its last record in one transaction, whose
   * lock on the offset keeps a process that lost the partition from storing beside the one that has
   * it: see `lockOffset` and `advanceOffset`.
   *
   * @param records At least one, in the order of their offsets
   * @throws What a retry of the same call may mend
   */
  store(source: Source, records: readonly RawRecord[], place: Place): Promise<StoreOutcome>;
}

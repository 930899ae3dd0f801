/** The part of kafkajs's record that is touched. */
export interface FetchedRecord {
  offset: string;
  timestamp: string;
  key: Uint8Array | null;
  value: Uint8Array | null;
  /** Set where it stands for a batch that cannot be decoded; `value` then has the batch's bytes. */
  badBatch?: { firstOffset: bigint; detail: string };
  isControlRecord: boolean;
  batchContext: { producerId: string; inTransaction: boolean };
}

/** A transaction that ended without a commit, as a fetch response names it. */
export interface AbortedTransaction {
  producerId: string;
  firstOffset: string;
}

/**
 * Marks the records of aborted transactions as control records, which kafkajs hands to nobody but
 * counts as read. Its own filter begins one transaction a record at most, so that the first record
 * of the second gets through, and takes the list as sorted, which no broker promises.
 *
 * @param records Of one partition, in order; changed
 */
export function hideAborted(
  records: readonly FetchedRecord[],
  transactions: readonly AbortedTransaction[],
): void {
  if (transactions.length === 0) return;
  const coming = transactions
    .map(({ producerId, firstOffset }) => ({ producerId, first: BigInt(firstOffset) }))
    .sort((a, b) => a.first < b.first ? 1 : a.first > b.first ? -1 : 0);
  const aborting = new Set<string>();
  for (const record of records) {
    const offset = BigInt(record.offset);
    while (coming.length > 0 && coming.at(-1)!.first <= offset) {
      aborting.add(coming.pop()!.producerId);
    }
    const { producerId, inTransaction } = record.batchContext;
    if (record.isControlRecord) {
      if (isAbortMarker(record)) aborting.delete(producerId);
    } else if (inTransaction && aborting.has(producerId)) {
      record.isControlRecord = true;
    }
  }
}

/** A control record's key is its version and its type, an int16 each; the type is 0 for an abort. */
function isAbortMarker({ key }: FetchedRecord): boolean {
  return key !== null && key.length >= 4 && key[2] === 0 && key[3] === 0;
}

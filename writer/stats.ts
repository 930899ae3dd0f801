/** What a writer has done since it started. */
export interface WriterStats {
  /** Transactions. */
  batches: number;
  /** Rows put into the table. */
  inserted: number;
  /** Results that were there already, the same. */
  duplicates: number;
  deadLetters: number;
  /** Records that another writer had stored. */
  skipped: number;
  /** Records that the topic's retention deleted before anybody read them. */
  expiredUnread: number;
  /** How often a topic was found made anew. */
  topicsAnew: number;
}

export function newWriterStats(): WriterStats {
  return {
    batches: 0,
    inserted: 0,
    duplicates: 0,
    deadLetters: 0,
    skipped: 0,
    expiredUnread: 0,
    topicsAnew: 0,
  };
}

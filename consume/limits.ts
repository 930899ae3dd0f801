/** Partitions stored side by side; with two cores more gain nothing. */
export const CONCURRENCY = 3;
/**
 * A partition that waits for a lock gives its connection back after this, and tries again later: with
 * many of them, the others would have none.
 */
export const LOCK_TIMEOUT_MS = 2_000;

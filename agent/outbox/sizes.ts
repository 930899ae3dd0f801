import { Buffer } from "node:buffer";

/** Bytes of a page of the file; SQLite's default. */
const PAGE = 4_096;

/**
 * How the bytes that the outbox may take on disk are shared out: an eighth at most (16 MiB of 1 GiB) is
 * for what a transaction adds before the cap drops as much, and another for the journal.
 */
export function sizesOf(maxBytes: number) {
  const share = Math.min(16 * 2 ** 20, maxBytes / 8);
  return {
    /** Results are dropped while more pages than this are in use. */
    pages: Math.floor((maxBytes - 2 * share) / PAGE),
    /** The file has no more pages than this. */
    maxPages: Math.floor((maxBytes - share) / PAGE),
    /** What the journal keeps of its size after a transaction. */
    journalBytes: Math.floor(share / 4),
    /** One transaction adds at most so many bytes of texts; a page of large ones may be half empty. */
    addBytes: share / 4,
    /** One transaction deletes at most so many rows: the journal holds a page for each at the worst. */
    deleteRows: Math.floor(share / 2 / PAGE),
  };
}

/** The first messages that have `maxBytes` together; one, however large, where there are any. */
export function fitting<T extends { key: string; value: string }>(
  messages: readonly T[],
  maxBytes: number,
): T[] {
  const sizes = messages.map(({ key, value }) => Buffer.byteLength(key) + Buffer.byteLength(value));
  return messages.slice(0, countFitting(sizes, maxBytes));
}

/** How many, from the first, have `maxBytes` together; 1, where there are any, however large. */
export function countFitting(sizes: readonly number[], maxBytes: number): number {
  let bytes = 0;
  const over = sizes.findIndex((size) => (bytes += size) > maxBytes);
  return over < 0 ? sizes.length : Math.max(1, over);
}

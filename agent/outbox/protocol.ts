/** What the outbox's main side and its thread say to each other; one reply a request, in order. */

/** Where the store is and what it may hold. */
export interface StoreOptions {
  /** The database file; its folder is there. */
  path: string;
  /** Of keys and values that wait, with 40 bytes a row for what surrounds them. */
  maxBytes: number;
  maxAgeMs: number;
  /** The most pages that the file may have, to act out a full disk. @default none */
  maxPages?: number;
}

/** A message that waits, or waited, for the broker. */
export interface Row {
  /** Ascending in the order of adding. */
  id: number;
  key: string;
  value: string;
}

/** A row to add; `created` is in milliseconds since 1970. */
export interface NewRow extends Row {
  created: number;
}

/** One transaction. */
export interface Change {
  inserts: readonly NewRow[];
  /** Ids that the broker acknowledged. */
  deletes: readonly number[];
  /** Ids that the broker refused for good, to be set aside. */
  refusals: readonly { id: number; reason: string }[];
  meta: Readonly<Record<string, string>>;
  /** Rows up to this id may be on their way to the broker: caps do not drop them. */
  keepThrough: number;
  /** Milliseconds since 1970. */
  now: number;
}

export type Request =
  | { type: "open"; options: StoreOptions }
  | { type: "apply"; change: Change }
  | { type: "read"; after: number; limit: number; maxBytes: number }
  | { type: "close" };

/** How the store is after it was opened. */
export interface Opened {
  /** The highest id in use; 0 where none is. */
  lastId: number;
  depth: number;
  /** When the oldest row was added, milliseconds since 1970; null where none is. */
  oldest: number | null;
  meta: Record<string, string>;
  /** Where a damaged file was moved to, and why it counts as damaged; null where all was well. */
  damaged: { movedTo: string; error: string } | null;
}

/** What a transaction did. */
export interface Applied {
  depth: number;
  /** As in Opened. */
  oldest: number | null;
  /** Rows that the caps dropped. */
  droppedBySize: number;
  droppedByAge: number;
}

/** Why a request failed. */
export interface Failure {
  message: string;
  /** "locked": another process has the file. "full": no room. */
  kind: "locked" | "full" | "other";
}

export interface Replies {
  open: Opened;
  apply: Applied;
  read: Row[];
  close: null;
}

export type Reply =
  | { ok: true; value: Replies[keyof Replies] }
  | { ok: false; failure: Failure };

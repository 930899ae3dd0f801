/** What the outbox's main side and its thread say to each other; one reply a request, in order. */

/** Refused messages that are kept, the newest. */
export const MAX_REFUSED = 10_000;

/** Where the store is and what it may hold. */
export interface StoreOptions {
  /** The database file; its folder is there. */
  path: string;
  /** Of keys and values that wait, with 40 bytes a row for what surrounds them. */
  maxBytes: number;
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

/** A row to add; `created` is in milliseconds as an AgeClock counts them. */
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
  /** Milliseconds since 1970, by the wall clock. */
  now: number;
  /** Rows created before this are too old: milliseconds as an AgeClock counts them. */
  expireBefore: number;
}

export type Request =
  /** `damage`: how an earlier request found the file damaged; null where none did. */
  | { type: "open"; options: StoreOptions; damage: string | null }
  | { type: "apply"; change: Change }
  | { type: "read"; after: number; limit: number; maxBytes: number }
  | { type: "close" };

/** How the store is after it was opened. */
export interface Opened {
  /** The highest id in use; 0 where none is. */
  lastId: number;
  depth: number;
  /** When the oldest row was added, as an AgeClock counts; null where none is. */
  oldest: number | null;
  /** As `oldest`, of the row added last. */
  newest: number | null;
  meta: Record<string, string>;
  /** What became of a damaged file; null where all was well. */
  damaged: Damaged | null;
}

/** A damaged file that was moved aside. */
export interface Damaged {
  movedTo: string;
  /** Why it counts as damaged. */
  error: string;
  /** Rows that wait for the broker and could be read from it; they are in the new file. */
  rescued: number;
  /** Why not all could be brought over, or why that is not known; null where nothing speaks against it. */
  rescueError: string | null;
}

/** What a transaction did. */
export interface Applied {
  depth: number;
  /** As in Opened. */
  oldest: number | null;
  /** Rows that the caps dropped. */
  droppedBySize: number;
  droppedByAge: number;
  /** Rows of `refused` past their number, the oldest. */
  droppedRefused: number;
}

/** Why a request failed. */
export interface Failure {
  message: string;
  /**
   * "locked": another process has the file. "full": no room. "damaged": the file's content is not
   * what was written.
   */
  kind: "locked" | "full" | "damaged" | "other";
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

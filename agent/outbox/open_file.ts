import { appendFileSync, chmodSync, linkSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { sizesOf } from "./sizes.ts";
import { rescue } from "./rescue.ts";
import { failureKind, tryTo } from "./sqlite_errors.ts";

/** Where the outbox's file is and what it may take. */
export interface FileOptions {
  /** The file; its folder is there. */
  path: string;
  /** Of the file and all that belongs to it. */
  maxBytes: number;
  /** The most pages that the file may have, to act out a full disk. @default as `maxBytes` says */
  maxPages?: number;
}

/** A damaged file that was moved aside. */
export interface Damaged {
  movedTo: string;
  /** Why it counts as damaged. */
  error: string;
  /** Why not all could be brought over; null where nothing speaks against it. */
  rescueError: string | null;
}

const FORMAT = 2;

const SCHEMA = `
  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    created INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE refused (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${FORMAT};
`;

/** How long to wait for a process that is just ending and still has the file. */
const BUSY_MS = 1_000;

/** Of the journal: enough to delete 16 rows at a time, also when the disk is full. */
const RESERVE_BYTES = 32 * 4_096;

/**
 * Opens the outbox's file, which is made if need be, for this process alone. What waits for the broker
 * in a damaged one is copied to a new one, as far as it can be read, which takes its place when it is
 * whole: what cuts this short, a kill or a full disk, costs nothing.
 *
 * @param damage How an earlier use found the file damaged; null where none did
 * @throws {Error} SQLite's, where the file cannot be opened, is locked, or is of another version, or
 * the new one cannot be written
 */
export function openOrRescue(
  options: FileOptions,
  damage: string | null,
): { db: DatabaseSync; damaged: Damaged | null } {
  const { path } = options;
  const [copy, movedTo] = [`${path}.rescue`, damagedOf(path)];
  let [db, error] = [null as DatabaseSync | null, damage];
  try {
    db = openFile(options);
  } catch (failed) {
    if (failureKind(failed) !== "damaged") throw failed;
    error ??= (failed as Error).message;
  }
  // Nobody else has the file, so that it was left by a process that was killed.
  removeFile(copy);
  if (db !== null && error === null) return { db, damaged: null };
  // It may open though it is damaged, as opening reads not every page.
  db?.close();
  try {
    const rescueError = rescue(path, () => openFile({ ...options, path: copy }));
    removeFile(movedTo);
    // Where there are no links, nothing is kept of it but what could be read.
    tryTo(() => linkSync(path, movedTo));
    // It would be taken for the new file's.
    rmSync(`${path}-journal`, { force: true });
    renameSync(copy, path);
    return { db: openFile(options), damaged: { movedTo, error: error!, rescueError } };
  } finally {
    removeFile(copy);
  }
}

/** Where the last damaged file is, if there was any. */
export function damagedOf(path: string): string {
  return `${path}.damaged`;
}

/** 0 where there is none. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function removeFile(path: string): void {
  for (const suffix of ["-journal", ""]) rmSync(path + suffix, { force: true });
}

/**
 * The journal is a rollback journal that stays: on a full disk there is room in it for what deletes
 * results that were sent, and they leave room in the file for new ones. (A write-ahead log would have
 * to grow for that.) New pages never are in it, so it is small.
 */
function openFile({ path, maxBytes, maxPages }: FileOptions): DatabaseSync {
  const sizes = sizesOf(maxBytes);
  const db = new DatabaseSync(path);
  try {
    // The journal gets the same.
    chmodSync(path, 0o600);
    db.exec(`
      PRAGMA busy_timeout = ${BUSY_MS};
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = PERSIST;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = ${sizes.journalBytes};
      PRAGMA temp_store = MEMORY;
      PRAGMA max_page_count = ${maxPages ?? sizes.maxPages};
      BEGIN EXCLUSIVE;
    `);
    const format = db.prepare("PRAGMA user_version").get()!.user_version as number;
    if (format !== 0 && format !== FORMAT) {
      const other = format > FORMAT ? "a newer" : "an older";
      throw new Error(
        `"${path}" was made by ${other} version of httpmon (its format is ${format})`,
      );
    }
    if (format === 0) db.exec(SCHEMA);
    // Every page of rows is looked at, so that damage shows now; what is elsewhere shows in use.
    db.exec("COMMIT; SELECT count(*) FROM outbox; SELECT * FROM meta; SELECT max(id) FROM refused");
    const missing = RESERVE_BYTES - fileBytes(`${path}-journal`);
    // No transaction is in it now. Without room for it, it may be that a full disk heals late.
    if (missing > 0) {
      tryTo(() => appendFileSync(`${path}-journal`, new Uint8Array(missing), { mode: 0o600 }));
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

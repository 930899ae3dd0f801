import { rmSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Damaged, damagedOf, fileBytes, type FileOptions, openOrRescue } from "./open_file.ts";
import { fitting, sizesOf, textBytes } from "./sizes.ts";
import { failureKind, tryExec } from "./sqlite_errors.ts";

/** Refused messages that are kept, the newest. */
export const MAX_REFUSED = 10_000;

/** A message that waits, or waited, for the broker. */
export interface Row {
  /** Ascending in the order of adding. */
  id: number;
  key: string;
  value: string;
}

/** A row to add; `created` is in milliseconds as results age. */
export interface NewRow extends Row {
  created: number;
}

/** A message that the broker refused for good. */
export interface RefusedRow extends Row {
  reason: string;
}

/** What is to be done. Doing it again is harmless: rows are known by their ids. */
export interface Change {
  rows: readonly NewRow[];
  /** To be set aside; no longer among the rows that wait. */
  refused: readonly RefusedRow[];
  /** Other rows up to this id are to be deleted, as the broker has them. */
  doneThrough: number;
  meta: Readonly<Record<string, string>>;
  /** Rows up to this id may be on their way to the broker: caps do not drop them. */
  keepThrough: number;
  /** Milliseconds since 1970, by the wall clock; and as results age. */
  now: number;
  age: number;
  maxAgeMs: number;
}

type Left = Pick<Change, "rows" | "refused">;

/** What was done. */
export interface Applied {
  /** How much of the change's lists, from their beginning. */
  rows: number;
  refused: number;
  /** Rows that were deleted as they are done. */
  done: number;
  /** Why not all was done, where the disk is full; what makes room on it was. */
  full: string | null;
  /** Rows that the caps dropped. */
  dropped: Dropped;
  depth: number;
  /** When the oldest row was added, as results age; null where there is none. */
  oldest: number | null;
}

type Dropped = Record<"byAge" | "bySize" | "refused", number>;

/** How many rows one transaction adds or sets aside at the most, and deletes or drops. */
type Step = Record<"add" | "remove", number>;

/** On a disk that is full some may fit where many do not; what makes room does. */
const ON_FULL_DISK: readonly Step[] = [{ add: 100, remove: 16 }, { add: 0, remove: 16 }];

/** How the store is after it was opened. */
export interface Opened extends Pick<Applied, "depth" | "oldest"> {
  /** The highest id in use; 0 where none is. */
  lastId: number;
  /** Now, as results age: setting the wall clock while the outbox is open makes none older. */
  age: number;
  meta: Record<string, string>;
  /** What became of a damaged file; null where all was well. */
  damaged: Damaged | null;
  /** Bytes that are free on the disk where that is less than the outbox may yet take; else null. */
  short: { free: number; wanted: number } | null;
}

export interface ReadRequest {
  after: number;
  limit: number;
  /** Of keys and values. */
  maxBytes: number;
}

const NONE: Readonly<Dropped> = { byAge: 0, bySize: 0, refused: 0 };

/** Named values of the store's own. */
const AGE = "age_ms";
const AGE_AT = "age_at_ms";

/** A file with more pages in use is not made smaller: to copy 8 MiB takes some 50 ms. */
const SHRINK_PAGES = 2_048;

/**
 * The outbox's tables in one SQLite file: rows in order, caps, what the broker refused, a few named
 * values. Each `apply` is on disk when it returns, in as many transactions as the journal's share of
 * the bytes asks for. One process at a time has the file; the lock goes with the process, however it
 * ends. Everything here may wait for the disk: it runs in a thread.
 */
export class OutboxStore {
  readonly opened: Opened;
  #db: DatabaseSync;
  #sizes: ReturnType<typeof sizesOf>;
  #statements: ReturnType<typeof prepare>;
  #depth: number;
  /** Not told yet. */
  #dropped = NONE;
  #done = 0;

  /**
   * @param now Milliseconds since 1970
   * @param damage How an earlier use found the file damaged: then it is moved aside, though it opens
   * @throws {Error} SQLite's, where the file cannot be opened, is locked, or is of another version
   */
  constructor(options: FileOptions, now: number, damage: string | null = null) {
    const { path, maxBytes } = options;
    const { db, damaged } = openOrRescue(options, damage);
    // Most of a damaged file is in the new one.
    const old = damagedOf(path);
    if (fileBytes(old) > maxBytes / 8) rmSync(old);
    const kept = fileBytes(old);
    this.#db = db;
    this.#sizes = sizesOf(maxBytes - kept);
    this.#statements = prepare(db);
    const values = db.prepare("SELECT key, value FROM meta").all().map(Object.values);
    const all = Object.fromEntries(values) as Record<string, string>;
    const { [AGE]: _, [AGE_AT]: __, ...meta } = all;
    const age = ageAfter(all, now);
    // No row is from later; damage may make one.
    const newest = age ?? now;
    db.exec(`UPDATE outbox SET created = ${newest} WHERE created > ${newest}`);
    const { depth, last, lastId } = this.#statements.totals.get() as unknown as Totals;
    this.#depth = depth;
    const free = freeBytes(path);
    const wanted = maxBytes - kept - fileBytes(path) - fileBytes(`${path}-journal`);
    this.opened = {
      lastId,
      depth,
      oldest: this.#oldest(),
      // Where it is not known, no time has passed.
      age: age ?? last ?? now,
      meta,
      damaged,
      short: free !== null && free < wanted ? { free, wanted } : null,
    };
  }

  /**
   * Does all of `change`; on a full disk, what makes room, and as much else as fits.
   *
   * @throws {Error} SQLite's, but for a full disk's; what is told to be done later may be done then
   */
  apply(change: Change): Applied {
    const before = this.#depth;
    const left: Left = { rows: change.rows, refused: change.refused };
    let full: string | null = null;
    for (const most of [{ add: Infinity, remove: this.#sizes.deleteRows }, ...ON_FULL_DISK]) {
      try {
        while (!this.#transaction(change, left, most));
        if (left.rows.length + left.refused.length === 0) full = null;
        break;
      } catch (error) {
        if (failureKind(error) !== "full") throw error;
        full = (error as Error).message;
      }
    }
    const rows = change.rows.length - left.rows.length;
    if (this.#depth < before + rows) this.#shrink();
    const [dropped, done] = [this.#dropped, this.#done];
    [this.#dropped, this.#done] = [NONE, 0];
    const refused = change.refused.length - left.refused.length;
    return { rows, refused, done, full, dropped, depth: this.#depth, oldest: this.#oldest() };
  }

  /** The rows after id `after`, in order: at most `limit`, and one however large. */
  read({ after, limit, maxBytes }: ReadRequest): Row[] {
    // Not `iterate`: in Deno it takes an error for the end, and the rows past it would be passed by.
    const sizes = this.#statements.sizes.all(after, limit);
    const count = fitting(sizes.map(({ bytes }) => bytes as number), maxBytes);
    return this.#statements.read.all(after, count) as unknown as Row[];
  }

  close(): void {
    this.#db.close();
  }

  /** Takes from `left` what one transaction does. @returns Whether there is nothing more to do */
  #transaction(change: Change, left: Left, most: Step): boolean {
    const depth = this.#depth;
    const dropped = { ...this.#dropped };
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const after = this.#step({ ...change, ...left }, most, dropped);
      this.#db.exec("COMMIT");
      this.#dropped = dropped;
      this.#done += after.done;
      Object.assign(left, after.left);
      return after.isLast;
    } catch (error) {
      this.#depth = depth;
      // A full disk may have ended the transaction already.
      if (this.#db.isTransaction !== false) tryExec(this.#db, "ROLLBACK");
      throw error;
    }
  }

  #step(change: Change, most: Step, dropped: Dropped) {
    const { keepThrough, now, age } = change;
    const sql = this.#statements;
    let removable = most.remove;
    const remove = (statement: StatementSync, ...values: (number | string)[]) => {
      const gone = Number(statement.run(...values).changes);
      removable -= gone;
      if (statement !== sql.dropRefused) this.#depth -= gone;
      return gone;
    };
    // What waits can yet be of use, so that refused rows go first; of both, no more than must be.
    const keepWithin = () => {
      while (removable > 0 && this.#excess > 0) {
        const ofRefused = remove(sql.dropRefused, 1);
        const wanted = Math.max(1, Math.floor(this.#excess * this.#depth / this.#pages.used));
        const waiting = ofRefused > 0
          ? 0
          : remove(sql.dropRows, keepThrough, Math.min(removable, wanted));
        if (ofRefused + waiting === 0) return;
        dropped.refused += ofRefused;
        dropped.bySize += waiting;
      }
    };
    const notYet = JSON.stringify(change.refused.map(({ id }) => id));
    let done = remove(sql.deleteDone, change.doneThrough, notYet, removable);
    dropped.byAge += remove(sql.dropOld, keepThrough, removable, age - change.maxAgeMs);
    keepWithin();
    // Where there is too much and nothing may be dropped, all is on its way to the broker.
    const add = removable > 0 ? most.add : 0;
    const rows = this.#fitting(change.rows.slice(0, add));
    for (const { id, key, value, created } of rows) {
      this.#depth += Number(sql.insert.run(id, key, value, created).changes);
    }
    const aside = this.#fitting(change.refused.slice(0, add));
    for (const { id, key, value, reason } of aside) {
      sql.insertRefused.run(id, key, value, reason, now);
      done += remove(sql.deleteOne, id);
    }
    if (aside.length > 0) dropped.refused += Number(sql.trimRefused.run(MAX_REFUSED).changes);
    keepWithin();
    const meta = { ...change.meta, [AGE]: String(age), [AGE_AT]: String(now) };
    for (const [key, value] of Object.entries(meta)) sql.setMeta.run(key, value);
    const left: Left = {
      rows: change.rows.slice(rows.length),
      refused: change.refused.slice(aside.length),
    };
    const isAdded = most.add === 0 || left.rows.length + left.refused.length === 0;
    return { left, done, isLast: removable > 0 && isAdded };
  }

  #fitting<T extends Row>(rows: readonly T[]): readonly T[] {
    return rows.slice(0, fitting(rows.map(textBytes), this.#sizes.addBytes));
  }

  #oldest(): number | null {
    return this.#statements.oldest.get()?.created as number ?? null;
  }

  get #pages(): { all: number; used: number } {
    return this.#statements.pages.get() as { all: number; used: number };
  }

  /** By how many pages the file holds more than it may. */
  get #excess(): number {
    return this.#pages.used - this.#sizes.pages;
  }

  /** Gives what an outage took of the disk back; the journal takes as much as is in use. */
  #shrink(): void {
    const { all, used } = this.#pages;
    const small = used <= SHRINK_PAGES && all + used <= this.#sizes.maxPages;
    if (small && all - used > 2 * used + 256) tryExec(this.#db, "VACUUM");
  }
}

/** What a clock of ages that left `meta` shows now; null where that is not known. */
function ageAfter(meta: Readonly<Record<string, string>>, now: number): number | null {
  const age = Number(meta[AGE]) + Math.max(0, now - Number(meta[AGE_AT]));
  return Number.isSafeInteger(age) ? age : null;
}

/** Null where it is not told. */
function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return null;
  }
}

interface Totals {
  depth: number;
  /** When the last row was added, as results age. */
  last: number | null;
  lastId: number;
}

function prepare(db: DatabaseSync) {
  const first = (table: string, where: string) =>
    `SELECT id FROM ${table} WHERE ${where} ORDER BY id LIMIT ?`;
  const remove = (table: string, where = "id > 0") =>
    db.prepare(`DELETE FROM ${table} WHERE id IN (${first(table, where)})`);
  return {
    totals: db.prepare(`
      SELECT count(*) AS depth,
        (SELECT created FROM outbox ORDER BY id DESC LIMIT 1) AS last,
        max(coalesce(max(id), 0), (SELECT coalesce(max(id), 0) FROM refused)) AS lastId
      FROM outbox
    `),
    deleteDone: remove("outbox", "id <= ? AND id NOT IN (SELECT value FROM json_each(?))"),
    deleteOne: db.prepare("DELETE FROM outbox WHERE id = ?"),
    dropRows: remove("outbox", "id > ?"),
    dropRefused: remove("refused"),
    dropOld: db.prepare(
      `DELETE FROM outbox WHERE id IN (${first("outbox", "id > ?")}) AND created < ?`,
    ),
    insert: db.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)"),
    insertRefused: db.prepare("INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?)"),
    trimRefused: db.prepare(
      "DELETE FROM refused WHERE id <= (SELECT id FROM refused ORDER BY id DESC LIMIT 1 OFFSET ?)",
    ),
    setMeta: db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)"),
    oldest: db.prepare("SELECT created FROM outbox ORDER BY id LIMIT 1"),
    pages: db.prepare(
      `SELECT page_count AS "all", page_count - freelist_count AS used
       FROM pragma_page_count, pragma_freelist_count`,
    ),
    sizes: db.prepare(
      `SELECT octet_length(key) + octet_length(value) AS bytes
       FROM outbox WHERE id > ? ORDER BY id LIMIT ?`,
    ),
    read: db.prepare("SELECT id, key, value FROM outbox WHERE id > ? ORDER BY id LIMIT ?"),
  };
}

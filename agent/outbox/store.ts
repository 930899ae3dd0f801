import { rmSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Damaged, damagedOf, fileBytes, type FileOptions, openOrRescue } from "./open_file.ts";
import { countFitting, fitting, sizesOf } from "./sizes.ts";
import { failureKind, tryTo } from "./sqlite_errors.ts";

/** Refused messages that are kept, the newest. */
export const MAX_REFUSED = 10_000;

/** A message that waits for the broker. */
export interface Row {
  /** Ascending in the order of adding. */
  id: number;
  key: string;
  value: string;
}

/** A row to add. */
export interface NewRow extends Row {
  /** Milliseconds, as results age. */
  created: number;
  /** Why the broker refuses it for good: then it is set aside, and no longer among those that wait. */
  reason?: string;
}

/** What is to be done. Doing it again is harmless: rows are known by their ids. */
export interface Change {
  rows: readonly NewRow[];
  /** Rows up to this id are to be deleted, as the broker has them, but those of `rows`. */
  doneThrough: number;
  meta: Readonly<Record<string, string>>;
  /** Rows up to this id may be on their way to the broker: caps do not drop them. */
  keepThrough: number;
  /** Milliseconds since 1970, by the wall clock; and as results age. */
  now: number;
  age: number;
  maxAgeMs: number;
}

/** What one transaction did. */
export interface Applied {
  /** How many of the change's rows, from the first. */
  rows: number;
  /** Rows that were deleted as they are done. */
  done: number;
  /** Rows that the caps dropped. */
  dropped: Record<"byAge" | "bySize" | "refused", number>;
  /** Whether another transaction could do more of it at once. */
  more: boolean;
  /** Why rows were left, where the disk is full. */
  full: string | null;
  depth: number;
  /** When the oldest row was added, as results age; null where there is none. */
  oldest: number | null;
}

/** How the store is after it was opened. */
export interface Opened extends Pick<Applied, "depth" | "oldest"> {
  /** The highest id in use; 0 where none is. */
  lastId: number;
  /** Now, as results age: setting the wall clock while the outbox is open makes none older. */
  age: number;
  meta: Record<string, string>;
  /** What became of a damaged file; null where all was well. */
  damaged: Damaged | null;
}

export interface ReadRequest {
  after: number;
  limit: number;
  /** Of keys and values. */
  maxBytes: number;
}

/** How many rows a transaction adds or sets aside at the most, and deletes or drops. */
type Step = Record<"add" | "remove", number>;

/** On a disk that is full some may fit where many do not; what makes room does. */
const ON_FULL_DISK: readonly Step[] = [{ add: 100, remove: 16 }, { add: 0, remove: 16 }];

/** Named values of the store's own. */
const AGE = "age_ms";
const AGE_AT = "age_at_ms";

/** A file with more pages in use is not made smaller: to copy 8 MiB takes some 50 ms. */
const SHRINK_PAGES = 2_048;

/**
 * The outbox's tables in one SQLite file: rows in order, caps, what the broker refused, a few named
 * values. Each `apply` is one transaction, as large as the journal's share of the bytes allows, and on
 * disk when it returns. One process at a time has the file; the lock goes with the process, however
 * it ends. Everything here may wait for the disk: it runs in a thread.
 */
export class OutboxStore {
  readonly opened: Opened;
  #db: DatabaseSync;
  #sizes: ReturnType<typeof sizesOf>;
  #statements: ReturnType<typeof prepare>;
  #depth: number;
  /** While a change is done in small steps. */
  #full: Error | null = null;

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
    this.#db = db;
    this.#sizes = sizesOf(maxBytes - fileBytes(old));
    this.#statements = prepare(db);
    const values = db.prepare("SELECT key, value FROM meta").all().map(Object.values);
    const { [AGE]: age, [AGE_AT]: at, ...meta } = Object.fromEntries(values);
    const aged = Number(age) + Math.max(0, now - Number(at));
    const known = Number.isSafeInteger(aged) ? aged : null;
    // No row is from later; damage may make one.
    this.#statements.makeOlder.run(known ?? now, known ?? now);
    const totals = this.#statements.totals.get() as Record<"depth" | "lastId", number>;
    this.#depth = totals.depth;
    // Where it is not known, no time has passed since the last row.
    const newest = this.#statements.newest.get()?.created as number | undefined;
    this.opened = { ...totals, oldest: this.#oldest(), age: known ?? newest ?? now, meta, damaged };
  }

  /**
   * Does as much of `change` as one transaction may; on a full disk, what makes room, and as much else
   * as fits.
   *
   * @throws {Error} SQLite's; then nothing was done
   */
  apply(change: Change): Applied {
    const all = { add: Infinity, remove: this.#sizes.deleteRows };
    for (const most of this.#full === null ? [all, ...ON_FULL_DISK] : ON_FULL_DISK) {
      try {
        const applied = this.#transaction(change, most);
        const areLeft = applied.rows < change.rows.length;
        const full = !applied.more && areLeft ? this.#full!.message : null;
        if (!applied.more) {
          this.#full = null;
          this.#shrink();
        }
        return { ...applied, full, oldest: this.#oldest() };
      } catch (error) {
        if (failureKind(error) !== "full") throw error;
        this.#full = error as Error;
      }
    }
    throw this.#full;
  }

  /** The rows after id `after`, in order: at most `limit`, and one however large. */
  read({ after, limit, maxBytes }: ReadRequest): Row[] {
    // Not `iterate`: in Deno it takes an error for the end, and the rows past it would be passed by.
    const sizes = this.#statements.sizes.all(after, limit);
    const count = countFitting(sizes.map(({ bytes }) => bytes as number), maxBytes);
    return this.#statements.read.all(after, count) as unknown as Row[];
  }

  close(): void {
    this.#db.close();
  }

  #transaction(change: Change, most: Step): Omit<Applied, "full" | "oldest"> {
    const { keepThrough, now, age } = change;
    const sql = this.#statements;
    const dropped = { byAge: 0, bySize: 0, refused: 0 };
    let [depth, removable] = [this.#depth, most.remove];
    const remove = (statement: StatementSync, ...values: (number | string)[]) => {
      const gone = Number(statement.run(...values).changes);
      removable -= gone;
      if (statement !== sql.dropRefused) depth -= gone;
      return gone;
    };
    // What waits can yet be of use, so that refused rows go first; of both, no more than must be.
    const keepWithin = () => {
      while (removable > 0 && this.#excess > 0) {
        const wanted = Math.max(1, Math.floor(this.#excess * depth / this.#pages.used));
        const ofRefused = remove(sql.dropRefused, 1);
        const waiting = ofRefused > 0
          ? 0
          : remove(sql.dropRows, keepThrough, Math.min(removable, wanted));
        if (ofRefused + waiting === 0) return;
        dropped.refused += ofRefused;
        dropped.bySize += waiting;
      }
    };
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const refused = change.rows.filter(({ reason }) => reason !== undefined);
      const notYet = JSON.stringify(refused.map(({ id }) => id));
      let done = remove(sql.deleteDone, change.doneThrough, notYet, removable);
      dropped.byAge = remove(sql.dropOld, keepThrough, removable, age - change.maxAgeMs);
      keepWithin();
      // Where there is too much and nothing may be dropped, all is on its way to the broker.
      const wanted = change.rows.slice(0, removable > 0 ? most.add : 0);
      const rows = fitting(wanted, this.#sizes.addBytes);
      for (const { id, key, value, created, reason } of rows) {
        if (reason === undefined) depth += Number(sql.insert.run(id, key, value, created).changes);
        else {
          sql.insertRefused.run(id, key, value, reason, now);
          done += remove(sql.deleteOne, id);
        }
      }
      if (refused.length > 0) dropped.refused += Number(sql.trimRefused.run(MAX_REFUSED).changes);
      keepWithin();
      const meta = { ...change.meta, [AGE]: String(age), [AGE_AT]: String(now) };
      for (const [key, value] of Object.entries(meta)) sql.setMeta.run(key, value);
      this.#db.exec("COMMIT");
      this.#depth = depth;
      const more = removable <= 0 || (rows.length > 0 && rows.length < change.rows.length);
      return { rows: rows.length, done, dropped, more, depth };
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (this.#db.isTransaction !== false) tryTo(() => this.#db.exec("ROLLBACK"));
      throw error;
    }
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
    if (small && all - used > 2 * used + 256) tryTo(() => this.#db.exec("VACUUM"));
  }
}

function prepare(db: DatabaseSync) {
  const first = (table: string, where: string) =>
    `SELECT id FROM ${table} WHERE ${where} ORDER BY id LIMIT ?`;
  const remove = (table: string, where = "id > 0") =>
    db.prepare(`DELETE FROM ${table} WHERE id IN (${first(table, where)})`);
  return {
    totals: db.prepare(`
      SELECT count(*) AS depth,
        max(coalesce(max(id), 0), (SELECT coalesce(max(id), 0) FROM refused)) AS lastId
      FROM outbox
    `),
    makeOlder: db.prepare("UPDATE outbox SET created = ? WHERE created > ?"),
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
    newest: db.prepare("SELECT created FROM outbox ORDER BY id DESC LIMIT 1"),
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

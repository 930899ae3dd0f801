import { Buffer } from "node:buffer";
import { existsSync, renameSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Applied, Change, Opened, Row, StoreOptions } from "./protocol.ts";
import { failureOf, isDamage } from "./sqlite_errors.ts";

const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    created INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE refused (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** What SQLite keeps beside a row's key and value, about. */
const ROW_OVERHEAD = 40;

/** Refused messages that are kept, the newest. */
const MAX_REFUSED = 10_000;

/** Rows that a cap drops at a time, so that it drops few more than it has to. */
const DROP_STEP = 100;

/** How long to wait for a process that is just ending and still has the file. */
const BUSY_MS = 1_000;

/** What the log file may keep of its size after a checkpoint. */
const WAL_BYTES = 16 * 2 ** 20;

/**
 * The outbox's tables in one SQLite file: rows in order, caps, what the broker refused, a few named
 * values. Each `apply` is on disk when it returns. One process at a time has the file; the lock goes
 * with the process, however it ends. Everything here may wait for the disk: it runs in worker.ts.
 */
export class OutboxStore {
  #db: DatabaseSync;
  #options: StoreOptions;
  #statements: ReturnType<typeof prepare>;
  #depth: number;
  #bytes: number;
  readonly opened: Opened;

  /** @throws {Error} SQLite's, where the file cannot be opened, is locked, or is of a newer version */
  constructor(options: StoreOptions) {
    this.#options = options;
    const { db, totals: { depth, bytes, lastId }, damaged } = openOrMoveAside(options);
    this.#db = db;
    this.#statements = prepare(db);
    this.#depth = depth;
    this.#bytes = bytes;
    const meta = Object.fromEntries(
      db.prepare("SELECT key, value FROM meta").all().map((row) => [row.key, row.value]),
    ) as Record<string, string>;
    this.opened = { lastId, depth, oldest: this.#oldest(), meta, damaged };
  }

  /**
   * Makes one transaction. Doing it again is harmless: rows are known by their ids.
   *
   * @throws {Error} SQLite's; then nothing of `change` is done
   */
  apply(change: Change): Applied {
    const before = { depth: this.#depth, bytes: this.#bytes };
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      this.#remove(this.#statements.delete.all(JSON.stringify(change.deletes)));
      for (const { id, reason } of change.refusals) this.#refuse(id, reason, change.now);
      for (const row of change.inserts) {
        const bytes = Buffer.byteLength(row.key) + Buffer.byteLength(row.value) + ROW_OVERHEAD;
        const { insert } = this.#statements;
        if (insert.run(row.id, row.key, row.value, row.created, bytes).changes === 0) continue;
        this.#depth++;
        this.#bytes += bytes;
      }
      for (const [key, value] of Object.entries(change.meta)) {
        this.#statements.setMeta.run(key, value);
      }
      const droppedByAge = this.#dropOld(change.now - this.#options.maxAgeMs, change.keepThrough);
      const droppedBySize = this.#dropExcess(change.keepThrough);
      const oldest = this.#oldest();
      this.#db.exec("COMMIT");
      return { depth: this.#depth, oldest, droppedBySize, droppedByAge };
    } catch (error) {
      this.#depth = before.depth;
      this.#bytes = before.bytes;
      // A full disk may have ended the transaction already.
      if (this.#db.isTransaction !== false) tryExec(this.#db, "ROLLBACK");
      // The log holds many states of a page; writing the last ones back makes room for the next try.
      if (failureOf(error).kind === "full") tryExec(this.#db, "PRAGMA wal_checkpoint(TRUNCATE)");
      throw error;
    }
  }

  /** The rows after id `after`, in order: at most `limit`, and at least one however large. */
  read(after: number, limit: number, maxBytes: number): Row[] {
    const rows: Row[] = [];
    let bytes = 0;
    for (const row of this.#statements.read.iterate(after, limit)) {
      bytes += row.bytes as number;
      if (rows.length > 0 && bytes > maxBytes) break;
      rows.push({ id: row.id as number, key: row.key as string, value: row.value as string });
    }
    return rows;
  }

  close(): void {
    this.#db.close();
  }

  #remove(deleted: Record<string, unknown>[]): number {
    for (const { bytes } of deleted) this.#bytes -= bytes as number;
    this.#depth -= deleted.length;
    return deleted.length;
  }

  #refuse(id: number, reason: string, at: number): void {
    this.#statements.refuse.run(reason, at, id);
    this.#remove(this.#statements.delete.all(JSON.stringify([id])));
    this.#statements.trimRefused.run(MAX_REFUSED);
  }

  #oldest(): number | null {
    return this.#statements.oldest.get(0)?.created as number ?? null;
  }

  #dropOld(before: number, keepThrough: number): number {
    let dropped = 0;
    while (true) {
      const oldest = this.#statements.oldest.get(keepThrough);
      if (!oldest || oldest.created as number >= before) return dropped;
      dropped += this.#remove(this.#statements.dropOld.all(keepThrough, DROP_STEP, before));
    }
  }

  #dropExcess(keepThrough: number): number {
    let dropped = 0;
    while (this.#bytes > this.#options.maxBytes) {
      // One row at a time towards the end, so that the cap drops no more than it must.
      const average = this.#bytes / this.#depth;
      const excess = Math.floor((this.#bytes - this.#options.maxBytes) / average);
      const step = Math.max(1, Math.min(DROP_STEP, excess));
      const gone = this.#remove(this.#statements.drop.all(keepThrough, step));
      if (gone === 0) break;
      dropped += gone;
    }
    return dropped;
  }
}

function prepare(db: DatabaseSync): Record<
  | "insert"
  | "delete"
  | "refuse"
  | "trimRefused"
  | "setMeta"
  | "read"
  | "oldest"
  | "dropOld"
  | "drop",
  StatementSync
> {
  const first = "SELECT id FROM outbox WHERE id > ? ORDER BY id LIMIT ?";
  return {
    insert: db.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?)"),
    delete: db.prepare(
      "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?)) RETURNING bytes",
    ),
    refuse: db.prepare(
      "INSERT OR IGNORE INTO refused SELECT id, key, value, ?, ? FROM outbox WHERE id = ?",
    ),
    trimRefused: db.prepare(
      "DELETE FROM refused WHERE id <= (SELECT id FROM refused ORDER BY id DESC LIMIT 1 OFFSET ?)",
    ),
    setMeta: db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)"),
    read: db.prepare("SELECT id, key, value, bytes FROM outbox WHERE id > ? ORDER BY id LIMIT ?"),
    oldest: db.prepare("SELECT created FROM outbox WHERE id > ? ORDER BY id LIMIT 1"),
    dropOld: db.prepare(
      `DELETE FROM outbox WHERE id IN (${first}) AND created < ? RETURNING bytes`,
    ),
    drop: db.prepare(`DELETE FROM outbox WHERE id IN (${first}) RETURNING bytes`),
  };
}

interface OpenFile {
  db: DatabaseSync;
  totals: { depth: number; bytes: number; lastId: number };
}

function openOrMoveAside(options: StoreOptions): OpenFile & Pick<Opened, "damaged"> {
  try {
    return { ...open(options), damaged: null };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const movedTo = `${options.path}.damaged-${new Date().toISOString().replace(/[:.]/g, "-")}`;
    // The log file holds what is not yet in the other, and is found by its name.
    for (const suffix of ["", "-wal"]) {
      if (existsSync(options.path + suffix)) renameSync(options.path + suffix, movedTo + suffix);
    }
    const { message } = failureOf(error);
    return { ...open(options), damaged: { movedTo, error: message } };
  }
}

function open({ path, maxPages }: StoreOptions): OpenFile {
  const db = new DatabaseSync(path);
  try {
    // Before the journal mode: then the log's index is in memory, and no second process gets in.
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA locking_mode = EXCLUSIVE`);
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
    db.exec(`PRAGMA journal_size_limit = ${WAL_BYTES}`);
    if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
    db.exec("BEGIN EXCLUSIVE");
    const version = db.prepare("PRAGMA user_version").get()!.user_version as number;
    if (version > SCHEMA_VERSION) {
      throw new Error(
        `"${path}" was made by a newer version of httpmon (its format is ${version})`,
      );
    }
    if (version === 0) db.exec(SCHEMA);
    db.exec("COMMIT");
    // Reads every row, so that damage shows now.
    return { db, totals: totals(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function totals(db: DatabaseSync): OpenFile["totals"] {
  const row = db.prepare(`
    SELECT count(*) AS depth, coalesce(sum(bytes), 0) AS bytes,
      max(coalesce(max(id), 0), (SELECT coalesce(max(id), 0) FROM refused)) AS last_id
    FROM outbox
  `).get()!;
  return {
    depth: row.depth as number,
    bytes: row.bytes as number,
    lastId: row.last_id as number,
  };
}

function tryExec(db: DatabaseSync, sql: string): void {
  try {
    db.exec(sql);
  } catch {
    // The error that led here is the one to report.
  }
}

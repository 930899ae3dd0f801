import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Opened, StoreOptions } from "./protocol.ts";

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

/** How long to wait for a process that is just ending and still has the file. */
const BUSY_MS = 1_000;

/** What the log file may keep of its size after a checkpoint. */
const WAL_BYTES = 16 * 2 ** 20;

/** The outbox's file, open and read through. */
export interface OpenFile {
  db: DatabaseSync;
  statements: Statements;
  totals: Pick<Opened, "depth" | "lastId" | "oldest" | "newest"> & { bytes: number };
  meta: Record<string, string>;
}

/**
 * Opens the file, which is made if need be.
 *
 * @throws {Error} SQLite's, where the file cannot be opened, is locked, is damaged where opening
 * looks, or is of a newer version
 */
export function openFile({ path, maxPages }: StoreOptions): OpenFile {
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
    // Every row that is needed is read, so that damage shows now; what is elsewhere shows in use.
    return { db, statements: prepare(db), totals: totals(db), meta: meta(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function totals(db: DatabaseSync): OpenFile["totals"] {
  const row = db.prepare(`
    SELECT count(*) AS depth, coalesce(sum(bytes), 0) AS bytes,
      max(coalesce(max(id), 0), (SELECT coalesce(max(id), 0) FROM refused)) AS last_id,
      (SELECT created FROM outbox ORDER BY id LIMIT 1) AS oldest,
      (SELECT created FROM outbox ORDER BY id DESC LIMIT 1) AS newest
    FROM outbox
  `).get()!;
  return {
    depth: row.depth as number,
    bytes: row.bytes as number,
    lastId: row.last_id as number,
    oldest: row.oldest as number | null,
    newest: row.newest as number | null,
  };
}

function meta(db: DatabaseSync): Record<string, string> {
  const rows = db.prepare("SELECT key, value FROM meta").all();
  return Object.fromEntries(rows.map(({ key, value }) => [key, value])) as Record<string, string>;
}

export type Statements = Record<
  | "insert"
  | "delete"
  | "refuse"
  | "trimRefused"
  | "setMeta"
  | "sizes"
  | "read"
  | "oldest"
  | "dropOld"
  | "drop",
  StatementSync
>;

function prepare(db: DatabaseSync): Statements {
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
    sizes: db.prepare("SELECT bytes FROM outbox WHERE id > ? ORDER BY id LIMIT ?"),
    read: db.prepare("SELECT id, key, value FROM outbox WHERE id > ? ORDER BY id LIMIT ?"),
    oldest: db.prepare("SELECT created FROM outbox WHERE id > ? ORDER BY id LIMIT 1"),
    dropOld: db.prepare(
      `DELETE FROM outbox WHERE id IN (${first}) AND created < ? RETURNING bytes`,
    ),
    drop: db.prepare(`DELETE FROM outbox WHERE id IN (${first}) RETURNING bytes`),
  };
}

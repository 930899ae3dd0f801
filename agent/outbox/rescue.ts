import { DatabaseSync } from "node:sqlite";
import { failureKind } from "./sqlite_errors.ts";

/** No outbox gets to ids past this; damage may make some. */
const MAX_ID = 2 ** 40;

/**
 * Copies what waits for the broker, and the named values, from a damaged file to the new one `to`, as
 * far as it can be read. What was sent or refused already may be among it: writers ignore what they
 * have.
 *
 * @param newest Gives, for the named values, the time that no result is later than
 * @returns Why not all could be brought over, where that shows; else null
 * @throws {Error} SQLite's, where `to` cannot be written or another process has the damaged file
 */
export function rescue(
  path: string,
  to: DatabaseSync,
  newest: (meta: Record<string, string>) => number,
): string | null {
  const unread = new Unread();
  const from = unread.try(() => new DatabaseSync(path));
  if (!from) return unread.why;
  try {
    from.exec("PRAGMA locking_mode = EXCLUSIVE");
    to.exec("BEGIN");
    const meta = copyMeta(from, to, unread);
    copyRows(from, to, newest(meta), unread);
    to.exec("COMMIT");
  } finally {
    from.close();
  }
  return unread.why;
}

/** What of the damaged file cannot be read. */
class Unread {
  why: string | null = null;

  /** @returns What `read` does, or null where it fails */
  try<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (failureKind(error) === "locked") throw error;
      this.why ??= error instanceof Error ? error.message : String(error);
      return null;
    }
  }
}

function copyMeta(from: DatabaseSync, to: DatabaseSync, unread: Unread): Record<string, string> {
  const insert = to.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
  const meta: Record<string, string> = {};
  for (const { key, value } of unread.try(() => from.prepare("SELECT * FROM meta").all()) ?? []) {
    if (typeof key !== "string" || typeof value !== "string") continue;
    insert.run(key, value);
    meta[key] = value;
  }
  return meta;
}

/**
 * Goes by id; where a row cannot be read, it seeks the next that can, wider each time, and then goes
 * back from there, as it may have gone too far. It ends: each time round either starts after a row
 * with a higher id or doubles what is skipped.
 */
function copyRows(from: DatabaseSync, to: DatabaseSync, newest: number, unread: Unread): void {
  const rows = unread.try(() => new RowsById(from));
  if (!rows) return;
  const insert = to.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)");
  /** Copies what `next` gives, one by one: `iterate` takes an error for the end, in Deno. */
  const copy = (next: () => ReadRow | undefined): "ended" | "unreadable" => {
    while (true) {
      const row = unread.try(() => next() ?? "ended");
      if (row === "ended") return "ended";
      if (row === null) return "unreadable";
      const { id, key, value, created } = row;
      // The columns' types hold for what is written, not for what is read from a damaged page.
      if (typeof key !== "string" || typeof value !== "string") continue;
      if (Number.isSafeInteger(created)) insert.run(id, key, value, Math.min(+created!, newest));
    }
  };
  let after = 0;
  for (let hole = 0; after + hole < MAX_ID;) {
    const start = after + hole;
    let last = start;
    const ahead = copy(() => {
      const row = rows.after(last);
      last = row?.id ?? last;
      return row;
    });
    if (hole > 0 && (ahead === "ended" || last > start)) {
      let upTo = start;
      copy(() => {
        const row = rows.before(upTo, after);
        upTo = row ? row.id - 1 : upTo;
        return row;
      });
    }
    if (ahead === "ended") return;
    hole = last > start ? 1 : Math.max(1, hole * 2);
    if (last > start) after = last;
  }
}

/** A row as a damaged page may show it; only its id is known to be a number. */
type ReadRow = Record<string, unknown> & { id: number };

/** The rows of `outbox`, found by id; one that is out of order counts as not readable. */
class RowsById {
  #ahead;
  #back;

  constructor(db: DatabaseSync) {
    this.#ahead = db.prepare("SELECT * FROM outbox WHERE id > ? ORDER BY id LIMIT 1");
    this.#back = db.prepare(
      "SELECT * FROM outbox WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT 1",
    );
  }

  /** The first after id `after`; undefined where none is. */
  after(after: number): ReadRow | undefined {
    const row = between(after, MAX_ID, this.#ahead.get(after));
    // An id that is too high would hide the rows up to it: nothing may be in what it skips.
    if (row && row.id > after + 1 && this.before(row.id - 1, after)) throw outOfOrder();
    return row;
  }

  /** The last up to id `upTo` and after `after`; undefined where none is. */
  before(upTo: number, after: number): ReadRow | undefined {
    return between(after, upTo, this.#back.get(after, upTo));
  }
}

function between(after: number, upTo: number, row?: Record<string, unknown>): ReadRow | undefined {
  if (!row) return undefined;
  const { id } = row;
  if (typeof id !== "number" || id <= after || id > upTo) throw outOfOrder();
  return { ...row, id };
}

function outOfOrder(): Error {
  return new Error("Rows are out of order");
}

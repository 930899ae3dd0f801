import { DatabaseSync } from "node:sqlite";
import { failureKind } from "./sqlite_errors.ts";

/** No outbox gets to ids past this; damage may make some. */
const MAX_ID = 2 ** 40;

/** Rows that are read at a time. */
const MANY = 100;

/**
 * So many reads that fail in a row, and there is nothing more: a row that cannot be read costs two, and
 * one page of the tree that is damaged hides some 3,000.
 */
const MAX_FAILURES = 10_000;

/** A row as a damaged page may show it. */
type ReadRow = Record<string, unknown>;

/**
 * Copies what waits for the broker, and the named values, from a damaged file to a new one, as far as
 * it can be read. What was sent or refused already may be among it: writers ignore what they have.
 *
 * @param create Makes the new file
 * @returns Why not all could be brought over, where that shows; else null
 * @throws {Error} SQLite's, where the new file cannot be written or another process has the damaged one
 */
export function rescue(path: string, create: () => DatabaseSync): string | null {
  let [why, failures]: [string | null, number] = [null, 0];
  const attempt = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      if (failureKind(error) === "locked") throw error;
      why ??= (error as Error).message;
      failures++;
      return null;
    }
  };
  const from = attempt(() => new DatabaseSync(path));
  const to = create();
  try {
    if (from === null) return why;
    from.exec("PRAGMA locking_mode = EXCLUSIVE");
    to.exec("BEGIN");
    const insertMeta = to.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
    for (const { key, value } of attempt(() => from.prepare("SELECT * FROM meta").all()) ?? []) {
      if (typeof key === "string" && typeof value === "string") insertMeta.run(key, value);
    }
    const insert = to.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)");
    const read = attempt(() => readerOf(from));
    /** What cannot be read as a whole is read in halves, down to single rows. */
    const copy = (first: number, last: number): void => {
      while (first <= last) {
        const rows = attempt(() => read!(first, last));
        if (rows === null) {
          if (first === last || failures > MAX_FAILURES) return;
          const middle = Math.floor((first + last) / 2);
          copy(first, middle);
          return copy(middle + 1, last);
        }
        if (rows.length > 0) failures = 0;
        for (const { id, key, value, created } of rows) {
          // The columns' types hold for what is written, not for what is read from a damaged page.
          if (typeof key !== "string" || typeof value !== "string") continue;
          if (Number.isSafeInteger(created)) insert.run(Number(id), key, value, Number(created));
        }
        if (rows.length < MANY) return;
        first = Number(rows.at(-1)!.id) + 1;
      }
    };
    if (read) copy(0, MAX_ID);
    to.exec("COMMIT");
    return why;
  } finally {
    from?.close();
    to.close();
  }
}

/** Reads rows by ids, both ends included; one whose id is out of order counts as not readable. */
function readerOf(db: DatabaseSync): (first: number, last: number) => ReadRow[] {
  const select = (order: string) =>
    db.prepare(`SELECT * FROM outbox WHERE id BETWEEN ? AND ? ORDER BY id ${order} LIMIT ?`);
  const [ascending, descending] = [select("ASC"), select("DESC")];
  // An id that is too high hides those behind it, but not from the other side.
  const isEmpty = (first: number, last: number) =>
    first > last || descending.get(first, last, 1) === undefined;
  return (first, last) => {
    // No more than there can be: to look for another one may come to a page that is damaged.
    const most = Math.min(MANY, last - first + 1);
    const rows: ReadRow[] = ascending.all(first, last, most);
    let next = first;
    for (const { id } of rows) {
      const isInOrder = typeof id === "number" && id >= next && id <= last;
      if (!isInOrder || !isEmpty(next, id - 1)) throw new Error("Rows are out of order");
      next = id + 1;
    }
    if (rows.length < most && !isEmpty(next, last)) throw new Error("Rows are out of order");
    return rows;
  };
}

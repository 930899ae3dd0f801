import { DatabaseSync } from "node:sqlite";
import { failureKind } from "./sqlite_errors.ts";

/** No outbox gets to ids past this; damage may make some. */
const MAX_ID = 2 ** 40;

/** A row as a damaged page may show it: only its id is known to be a number. */
type ReadRow = Record<string, unknown> & { id: number };

/** What `read` gives, or null where it fails. */
type Attempt = <T>(read: () => T) => T | null;

/**
 * Copies what waits for the broker, and the named values, from a damaged file to the new one `to`, as
 * far as it can be read. What was sent or refused already may be among it: writers ignore what they
 * have.
 *
 * @returns Why not all could be brought over, where that shows; else null
 * @throws {Error} SQLite's, where `to` cannot be written or another process has the damaged file
 */
export function rescue(path: string, to: DatabaseSync): string | null {
  let why: string | null = null;
  const attempt: Attempt = (read) => {
    try {
      return read();
    } catch (error) {
      if (failureKind(error) === "locked") throw error;
      why ??= error instanceof Error ? error.message : String(error);
      return null;
    }
  };
  const from = attempt(() => new DatabaseSync(path));
  if (!from) return why;
  try {
    from.exec("PRAGMA locking_mode = EXCLUSIVE");
    to.exec("BEGIN");
    const insertMeta = to.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
    for (const { key, value } of attempt(() => from.prepare("SELECT * FROM meta").all()) ?? []) {
      if (typeof key === "string" && typeof value === "string") insertMeta.run(key, value);
    }
    const insert = to.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)");
    const rows = attempt(() => rowsById(from));
    if (rows) {
      copyRows(rows, attempt, ({ id, key, value, created }) => {
        // The columns' types hold for what is written, not for what is read from a damaged page.
        if (typeof key !== "string" || typeof value !== "string") return;
        if (Number.isSafeInteger(created)) insert.run(id, key, value, Number(created));
      });
    }
    to.exec("COMMIT");
  } finally {
    from.close();
  }
  return why;
}

/**
 * Goes by id; where a row cannot be read, it seeks the next that can, wider each time, and then goes
 * back from there, as it may have gone too far. It ends: each time round either starts after a row
 * with a higher id or doubles what is skipped.
 */
function copyRows(
  rows: ReturnType<typeof rowsById>,
  attempt: Attempt,
  copy: (row: ReadRow) => void,
): void {
  /** One by one: `iterate` takes an error for the end, in Deno. @returns Whether there are no more */
  const copyAll = (next: () => ReadRow | undefined): boolean => {
    while (true) {
      const row = attempt(() => next() ?? "none");
      if (row === "none") return true;
      if (row === null) return false;
      copy(row);
    }
  };
  let after = 0;
  for (let hole = 0; after + hole < MAX_ID;) {
    const start = after + hole;
    let last = start;
    const ended = copyAll(() => {
      const row = rows.after(last);
      last = row?.id ?? last;
      return row;
    });
    if (hole > 0 && (ended || last > start)) {
      let upTo = start;
      copyAll(() => {
        const row = rows.before(upTo, after);
        upTo = row ? row.id - 1 : upTo;
        return row;
      });
    }
    if (ended) return;
    hole = last > start ? 1 : Math.max(1, hole * 2);
    if (last > start) after = last;
  }
}

/** The rows of `outbox`; one whose id is out of order counts as not readable. */
function rowsById(db: DatabaseSync) {
  const seek = (order: string) => {
    const select = db.prepare(
      `SELECT * FROM outbox WHERE id > ? AND id <= ? ORDER BY id ${order} LIMIT 1`,
    );
    return (after: number, upTo: number): ReadRow | undefined => {
      const row = select.get(after, upTo);
      const { id = upTo } = row ?? {};
      if (typeof id === "number" && id > after && id <= upTo) return row as ReadRow | undefined;
      throw new Error("Rows are out of order");
    };
  };
  const [first, last] = [seek("ASC"), seek("DESC")];
  return {
    /** The last up to id `upTo` and after `after`; undefined where none is. */
    before: (upTo: number, after: number) => last(after, upTo),
    /** The first after id `after`; undefined where none is. */
    after(after: number): ReadRow | undefined {
      const row = first(after, MAX_ID);
      // An id that is too high would hide the rows up to it: nothing may be in what it skips.
      if (row && row.id > after + 1 && last(after, row.id - 1)) {
        throw new Error("Rows are out of order");
      }
      return row;
    },
  };
}

import { DatabaseSync } from "node:sqlite";
import { failureOf } from "./sqlite_errors.ts";

/** What could be read of a damaged file. */
export interface Rescued {
  /** Rows of `outbox`. */
  rows: number;
  /** Why not all could be brought over, where that shows; else null. */
  error: string | null;
}

/** Rows in one transaction. */
const BATCH = 1_000;

/** A file without an end, as damage can make one, is left after so many rows that cannot be read. */
const MAX_HOLE = 2 ** 40;

interface Row {
  id: number;
  key: string;
  value: string;
  created: number;
  bytes: number;
}

/**
 * Copies what waits for the broker, and the named values, from a damaged file to the new one `to`, as
 * far as it can be read. What was sent or refused already may be among it: writers ignore what they
 * have.
 */
export function rescue(path: string, to: DatabaseSync): Rescued {
  const rescued: Rescued = { rows: 0, error: null };
  try {
    const from = new DatabaseSync(path);
    try {
      from.exec("PRAGMA locking_mode = EXCLUSIVE");
      copyMeta(from, to, rescued);
      copyRows(from, to, rescued);
    } finally {
      from.close();
    }
  } catch (error) {
    rescued.error ??= failureOf(error).message;
  }
  return rescued;
}

function copyMeta(from: DatabaseSync, to: DatabaseSync, rescued: Rescued): void {
  const insert = to.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
  try {
    for (const { key, value } of from.prepare("SELECT key, value FROM meta").all()) {
      if (typeof key === "string" && typeof value === "string") insert.run(key, value);
    }
  } catch (error) {
    rescued.error ??= failureOf(error).message;
  }
}

/** Goes by id; where a page cannot be read, it seeks the next that can, wider each time. */
function copyRows(from: DatabaseSync, to: DatabaseSync, rescued: Rescued): void {
  const ahead = from.prepare("SELECT * FROM outbox WHERE id > ? ORDER BY id LIMIT 1");
  const back = from.prepare(
    "SELECT * FROM outbox WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT 1",
  );
  let after = 0;
  for (let hole = 0; hole < MAX_HOLE;) {
    const start = after + hole;
    const found = readable((last) => ahead.get(Math.max(start, last)), BATCH);
    rescued.error ??= found.error;
    const beyond = found.last > 0 || found.error === null;
    if (hole > 0 && beyond) {
      // The seeking may have gone too far.
      const between = readable((last) => back.get(after, last > 0 ? last - 1 : start), hole);
      insertRows(to, between.rows.reverse(), rescued);
    }
    insertRows(to, found.rows, rescued);
    if (found.ended) return;
    after = Math.max(after, found.last);
    hole = !beyond ? Math.max(1, hole * 2) : found.error === null ? 0 : 1;
  }
}

/** Rows one after the other, by the id of the last (0 before the first), until one cannot be read. */
function readable(
  next: (last: number) => Record<string, unknown> | undefined,
  limit: number,
): { rows: Row[]; last: number; ended: boolean; error: string | null } {
  const rows: Row[] = [];
  let last = 0;
  try {
    // Not `iterate`: in Deno it takes an error for the end.
    for (let seen = 0; seen < limit; seen++) {
      const row = next(last);
      if (!row) return { rows, last, ended: true, error: null };
      last = row.id as number;
      if (isRow(row)) rows.push(row);
    }
    return { rows, last, ended: false, error: null };
  } catch (error) {
    return { rows, last, ended: false, error: failureOf(error).message };
  }
}

/** The columns' types hold for what is written, not for what is read from a damaged page. */
function isRow(row: Record<string, unknown>): row is Record<string, unknown> & Row {
  return typeof row.key === "string" && typeof row.value === "string" &&
    [row.id, row.created, row.bytes].every((value) => Number.isSafeInteger(value));
}

function insertRows(to: DatabaseSync, rows: readonly Row[], rescued: Rescued): void {
  const insert = to.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?)");
  to.exec("BEGIN");
  try {
    for (const { id, key, value, created, bytes } of rows) {
      insert.run(id, key, value, created, bytes);
    }
    to.exec("COMMIT");
  } catch (error) {
    if (to.isTransaction !== false) to.exec("ROLLBACK");
    throw error;
  }
  rescued.rows += rows.length;
}

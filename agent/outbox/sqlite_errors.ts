import type { DatabaseSync } from "node:sqlite";

/**
 * "locked": another process has the file. "full": no room. "damaged": the file's content is not what
 * was written.
 */
export type FailureKind = "locked" | "full" | "damaged" | "other";

/** By SQLite's primary result codes (https://www.sqlite.org/rescode.html), and by its own texts. */
const KINDS: readonly (readonly [code: number, kind: FailureKind, text: string])[] = [
  [5, "locked", "database is locked"],
  [11, "damaged", "database disk image is malformed"],
  [11, "damaged", "malformed database schema"],
  [13, "full", "database or disk is full"],
  [26, "damaged", "file is not a database"],
];

export function failureKind(error: unknown): FailureKind {
  const { errcode, message } = error as { errcode?: unknown; message?: unknown };
  const found = KINDS.find(([code, , text]) =>
    // The upper bits are an extended code's detail. Deno leaves `errcode` out of some errors.
    typeof errcode === "number" ? (errcode & 0xff) === code : String(message).includes(text)
  );
  return found?.[1] ?? "other";
}

/** Runs `sql` where it can be done without: that it fails is not told. */
export function tryExec(db: DatabaseSync, sql: string): void {
  try {
    db.exec(sql);
  } catch {
    // As said above.
  }
}

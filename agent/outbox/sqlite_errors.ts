import type { DatabaseSync } from "node:sqlite";
import type { Failure } from "./protocol.ts";

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** Deno leaves `errcode` out of some errors; then SQLite's own text tells. */
const CODE_BY_TEXT: readonly (readonly [text: string, code: number])[] = [
  ["database is locked", BUSY],
  ["database disk image is malformed", CORRUPT],
  ["malformed database schema", CORRUPT],
  ["database or disk is full", FULL],
  ["file is not a database", NOT_A_DATABASE],
];

const KINDS: ReadonlyMap<number | null, Failure["kind"]> = new Map([
  [BUSY, "locked"],
  [FULL, "full"],
  [CORRUPT, "damaged"],
  [NOT_A_DATABASE, "damaged"],
]);

function primaryCode(error: unknown): number | null {
  const { errcode, message } = error as { errcode?: unknown; message?: unknown };
  // The upper bits are an extended code's detail.
  if (typeof errcode === "number") return errcode & 0xff;
  return CODE_BY_TEXT.find(([text]) => String(message).includes(text))?.[1] ?? null;
}

/** What failed, in a form that can be sent to another thread. */
export function failureOf(error: unknown): Failure {
  const code = primaryCode(error);
  return {
    message: error instanceof Error ? error.message : String(error),
    kind: KINDS.get(code) ?? "other",
  };
}

/** Runs `sql` after an error, which is the one to report: this one's are not. */
export function tryExec(db: DatabaseSync, sql: string): void {
  try {
    db.exec(sql);
  } catch {
    // As said above.
  }
}

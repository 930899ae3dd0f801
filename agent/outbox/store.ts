import type { DatabaseSync } from "node:sqlite";
import type { Statements } from "./open_file.ts";
import { openOrRescue } from "./open_or_rescue.ts";
import {
  type Applied,
  type Change,
  MAX_REFUSED,
  type Opened,
  type Row,
  type StoreOptions,
} from "./protocol.ts";
import { rowBytes } from "./row_bytes.ts";
import { failureOf, tryExec } from "./sqlite_errors.ts";

/** Rows that a cap drops at a time, so that it drops few more than it has to. */
const DROP_STEP = 100;

/**
 * The outbox's tables in one SQLite file: rows in order, caps, what the broker refused, a few named
 * values. Each `apply` is on disk when it returns. One process at a time has the file; the lock goes
 * with the process, however it ends. Everything here may wait for the disk: it runs in worker.ts.
 */
export class OutboxStore {
  #db: DatabaseSync;
  #options: StoreOptions;
  #statements: Statements;
  #depth: number;
  #bytes: number;
  readonly opened: Opened;

  /**
   * @param damage How an earlier use found the file damaged: then it is moved aside, though it opens
   * @throws {Error} SQLite's, where the file cannot be opened, is locked, or is of a newer version
   */
  constructor(options: StoreOptions, damage: string | null = null) {
    this.#options = options;
    const { db, statements, totals, meta, damaged } = openOrRescue(options, damage);
    this.#db = db;
    this.#statements = statements;
    this.#depth = totals.depth;
    this.#bytes = totals.bytes;
    const { lastId, depth, oldest, newest } = totals;
    this.opened = { lastId, depth, oldest, newest, meta, damaged };
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
      for (const row of change.inserts) {
        const bytes = rowBytes(row);
        const { insert } = this.#statements;
        if (insert.run(row.id, row.key, row.value, row.created, bytes).changes === 0) continue;
        this.#depth++;
        this.#bytes += bytes;
      }
      // After the inserts: a row may be refused before it could be written.
      for (const { id, reason } of change.refusals) this.#refuse(id, reason, change.now);
      const droppedRefused = change.refusals.length > 0 ? this.#trimRefused() : 0;
      for (const [key, value] of Object.entries(change.meta)) {
        this.#statements.setMeta.run(key, value);
      }
      const droppedByAge = this.#dropOld(change.expireBefore, change.keepThrough);
      const droppedBySize = this.#dropExcess(change.keepThrough);
      const oldest = this.#oldest();
      this.#db.exec("COMMIT");
      return { depth: this.#depth, oldest, droppedBySize, droppedByAge, droppedRefused };
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
    // Not `iterate`: in Deno it takes an error for the end, and the rows past it would be passed by.
    const sizes = this.#statements.sizes.all(after, limit);
    let bytes = 0;
    const over = sizes.findIndex((row) => (bytes += row.bytes as number) > maxBytes);
    const count = over < 0 ? sizes.length : Math.max(1, over);
    return this.#statements.read.all(after, count).map((row) => {
      return { id: row.id as number, key: row.key as string, value: row.value as string };
    });
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
  }

  #trimRefused(): number {
    return Number(this.#statements.trimRefused.run(MAX_REFUSED).changes);
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

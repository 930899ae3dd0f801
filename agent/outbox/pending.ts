import { Buffer } from "node:buffer";
import type { Change, NewRow, Row } from "./protocol.ts";

/** What of a transaction waits here. */
export type PendingChange = Pick<Change, "inserts" | "deletes" | "refusals">;

/** Results that wait in memory while they cannot be written; past it the oldest are lost. */
export const MAX_IN_MEMORY = 10_000;

/** One transaction's rows; a message to the thread costs the event loop 1 us a row. */
const MAX_INSERTS = 2_000;
const MAX_DELETES = 5_000;

/** While writing fails, one transaction's rows: some may fit where many do not. */
export const MAX_INSERTS_FAILING = 100;

/**
 * What the next transactions have to do, and what the one under way does. Rows may be given to the
 * broker from here too; those that it acknowledged need not be written any more.
 */
export class Pending {
  #inserts: NewRow[] = [];
  #deletes: number[] = [];
  #refusals: { id: number; reason: string }[] = [];
  /** Acknowledged rows that a transaction which seemed to fail may have written all the same. */
  #ghosts: number[] = [];
  #flying: PendingChange & { ghosts: number[] } | null = null;
  #deletesAlone = false;
  /** Rows up to this id were given out from here. */
  #givenThrough = 0;
  /** Rows up to this id may have been written by a transaction that seemed to fail. */
  #doubtfulThrough = 0;

  /** Rows to insert, without those under way. */
  get inserts(): number {
    return this.#inserts.length;
  }

  /** When the first row that is not written was added; null where none is. */
  get oldest(): number | null {
    return (this.#flying?.inserts[0] ?? this.#inserts[0])?.created ?? null;
  }

  /** Whether there is anything to do, beside what is under way. */
  get empty(): boolean {
    return this.inserts + this.#deletes.length + this.#refusals.length + this.#ghosts.length === 0;
  }

  /** By how many rows the outbox grows when all is done, what is under way included. */
  get growth(): number {
    const queued = this.inserts - this.#deletes.length - this.#refusals.length;
    const { inserts, deletes, refusals, ghosts } = this.#flying ?? NOTHING;
    return queued + inserts.length - (deletes.length - ghosts.length) - refusals.length;
  }

  /** @returns How many rows, the oldest, were lost for it */
  insert(row: NewRow): number {
    this.#inserts.push(row);
    return this.#trim();
  }

  /** The rows after id `after` that are not under way, in order, as a store would read them. */
  give(after: number, limit: number, maxBytes: number): Row[] {
    const rows: Row[] = [];
    let bytes = 0;
    for (const { id, key, value } of this.#inserts) {
      if (id <= after) continue;
      bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
      if (rows.length === limit || rows.length > 0 && bytes > maxBytes) break;
      rows.push({ id, key, value });
    }
    this.#givenThrough = rows.at(-1)?.id ?? this.#givenThrough;
    return rows;
  }

  delete(ids: readonly number[]): void {
    const unwritten = this.#takeOut(ids);
    for (const id of ids) {
      if (!unwritten.has(id)) this.#deletes.push(id);
      else if (id <= this.#doubtfulThrough) this.#ghosts.push(id);
    }
  }

  refuse(id: number, reason: string): void {
    this.#refusals.push({ id, reason });
  }

  /** Takes what one transaction should do; it is under way until `done` or `putBack`. */
  take(failing: boolean): PendingChange {
    const ghosts = this.#ghosts.splice(0, MAX_DELETES);
    const deletes = [...ghosts, ...this.#deletes.splice(0, MAX_DELETES)];
    // On a full disk, deleting makes room for what is added after; every other time, so that steady
    // deletes do not keep the rows from being tried.
    const room = deletes.length > 0 || this.#refusals.some(({ id }) => id < this.#firstId);
    this.#deletesAlone = failing && !this.#deletesAlone && room;
    const limit = this.#deletesAlone ? 0 : failing ? MAX_INSERTS_FAILING : MAX_INSERTS;
    const inserts = this.#inserts.splice(0, limit);
    // A row is set aside when it is written, not before.
    const due = this.#refusals.filter(({ id }) => id < this.#firstId).slice(0, MAX_DELETES);
    const taken = new Set(due);
    this.#refusals = this.#refusals.filter((refusal) => !taken.has(refusal));
    this.#flying = { inserts, deletes, refusals: due, ghosts };
    return { inserts, deletes, refusals: due };
  }

  /** What was taken is done. */
  done(): void {
    this.#flying = null;
  }

  /**
   * What was taken is to be done again.
   *
   * @param doubtful Whether it may have been done all the same
   * @returns How many rows, the oldest, were lost for it
   */
  putBack(doubtful: boolean): number {
    const { inserts, deletes, refusals, ghosts } = this.#flying ?? NOTHING;
    this.#flying = null;
    if (doubtful) {
      this.#doubtfulThrough = Math.max(this.#doubtfulThrough, inserts.at(-1)?.id ?? 0);
    }
    // Acknowledged while they were under way.
    const queued = this.#deletes;
    this.#deletes = deletes.slice(ghosts.length);
    this.#inserts = [...inserts, ...this.#inserts];
    this.#refusals = [...refusals, ...this.#refusals];
    this.#ghosts = [...ghosts, ...this.#ghosts];
    this.delete(queued);
    return this.#trim();
  }

  /** The file was opened anew, and no id past `lastId` is in it. */
  settle(lastId: number): void {
    this.#doubtfulThrough = Math.min(this.#doubtfulThrough, lastId);
    this.#ghosts = this.#ghosts.filter((id) => id <= lastId);
  }

  /** Gives up the rows that are not written. @returns How many */
  abandon(): number {
    const lost = this.inserts + (this.#flying ?? NOTHING).inserts.length;
    this.#inserts = [];
    this.#flying = null;
    return lost;
  }

  get #firstId(): number {
    return this.#inserts[0]?.id ?? Infinity;
  }

  /** @returns Those of `ids` that were to be inserted, and are not any more */
  #takeOut(ids: readonly number[]): Set<number> {
    const first = this.#firstId;
    const wanted = new Set(ids.filter((id) => id >= first));
    if (wanted.size === 0) return wanted;
    const found = new Set<number>();
    this.#inserts = this.#inserts.filter(({ id }) => {
      if (!wanted.has(id)) return true;
      found.add(id);
      return false;
    });
    return found;
  }

  /** What was given out may have reached the broker: the oldest of the others go first. */
  #trim(): number {
    const excess = this.inserts - MAX_IN_MEMORY;
    if (excess <= 0) return 0;
    const firstNotGiven = this.#inserts.findIndex(({ id }) => id > this.#givenThrough);
    const from = firstNotGiven < 0 ? 0 : Math.min(firstNotGiven, this.inserts - excess);
    const lost = new Set(this.#inserts.splice(from, excess).map(({ id }) => id));
    this.#refusals = this.#refusals.filter(({ id }) => !lost.has(id));
    return lost.size;
  }
}

const NOTHING: PendingChange & { ghosts: number[] } = {
  inserts: [],
  deletes: [],
  refusals: [],
  ghosts: [],
};

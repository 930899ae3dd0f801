import type { Change, NewRow } from "./protocol.ts";

/** What of a transaction waits here. */
export type PendingChange = Pick<Change, "inserts" | "deletes" | "refusals">;

/** Results that wait in memory while they cannot be written; past it the oldest are lost. */
export const MAX_IN_MEMORY = 10_000;

/** One transaction's rows; a message to the thread costs the event loop 1 us a row. */
const MAX_INSERTS = 2_000;
const MAX_DELETES = 5_000;

/** While writing fails, one transaction's rows: some may fit where many do not. */
export const MAX_INSERTS_FAILING = 100;

/** What the next transactions have to do, and what the one under way does. */
export class Pending {
  #inserts: NewRow[] = [];
  #deletes: number[] = [];
  #refusals: { id: number; reason: string }[] = [];
  #flying: PendingChange | null = null;
  #deletesAlone = false;

  /** Rows to insert, without those under way. */
  get inserts(): number {
    return this.#inserts.length;
  }

  /** When the first row that is not written was added, milliseconds since 1970; null where none is. */
  get oldest(): number | null {
    return (this.#flying?.inserts[0] ?? this.#inserts[0])?.created ?? null;
  }

  /** Whether there is anything to do, beside what is under way. */
  get empty(): boolean {
    return this.inserts + this.#deletes.length + this.#refusals.length === 0;
  }

  /** By how many rows the outbox grows when all is done, what is under way included. */
  get growth(): number {
    const queued = this.inserts - this.#deletes.length - this.#refusals.length;
    const { inserts, deletes, refusals } = this.#flying ?? NOTHING;
    return queued + inserts.length - deletes.length - refusals.length;
  }

  /** @returns How many rows, the oldest, were lost for it */
  insert(row: NewRow): number {
    this.#inserts.push(row);
    return this.#trim();
  }

  delete(ids: readonly number[]): void {
    for (const id of ids) this.#deletes.push(id);
  }

  refuse(id: number, reason: string): void {
    this.#refusals.push({ id, reason });
  }

  /** Takes what one transaction should do; it is under way until `done` or `putBack`. */
  take(failing: boolean): PendingChange {
    const deletes = this.#deletes.splice(0, MAX_DELETES);
    const refusals = this.#refusals.splice(0, MAX_DELETES);
    // On a full disk, deleting makes room for what is added after; every other time, so that steady
    // deletes do not keep the rows from being tried.
    this.#deletesAlone = failing && !this.#deletesAlone && deletes.length + refusals.length > 0;
    const limit = this.#deletesAlone ? 0 : failing ? MAX_INSERTS_FAILING : MAX_INSERTS;
    const inserts = this.#inserts.splice(0, limit);
    return this.#flying = { inserts, deletes, refusals };
  }

  /** What was taken is done. */
  done(): void {
    this.#flying = null;
  }

  /** What was taken is to be done again. @returns How many rows, the oldest, were lost for it */
  putBack(): number {
    const { inserts, deletes, refusals } = this.#flying ?? NOTHING;
    this.#flying = null;
    this.#inserts = [...inserts, ...this.#inserts];
    this.#deletes = [...deletes, ...this.#deletes];
    this.#refusals = [...refusals, ...this.#refusals];
    return this.#trim();
  }

  /** Gives up the rows that are not written. @returns How many */
  abandon(): number {
    const lost = this.inserts + (this.#flying ?? NOTHING).inserts.length;
    this.#inserts = [];
    this.#flying = null;
    return lost;
  }

  #trim(): number {
    return this.#inserts.splice(0, Math.max(0, this.inserts - MAX_IN_MEMORY)).length;
  }
}

const NOTHING: PendingChange = { inserts: [], deletes: [], refusals: [] };

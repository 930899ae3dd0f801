import { fitting, textBytes } from "./sizes.ts";
import type { NewRow } from "./store.ts";

/** Results that wait in memory while they cannot be written; past it the oldest are lost. */
export const MAX_UNWRITTEN = 10_000;

/** Results on disk that are kept here too; past it they are read back. */
const MAX_WRITTEN = 1_000;

/**
 * The newest results, in order: those on disk that were not given out yet, so that they need not be
 * read back, and then those that are not on disk.
 */
export class Memory {
  #written: NewRow[] = [];
  #unwritten: NewRow[] = [];
  /** Rows up to this id were given out. */
  #given = 0;

  /** What is not on disk. */
  get unwritten(): readonly NewRow[] {
    return this.#unwritten;
  }

  /**
   * @param underWay Rows up to this id are being written
   * @returns How many were lost for it: the oldest that were not given out, as these may be sent
   */
  add(row: NewRow, underWay: number): number {
    this.#unwritten.push(row);
    if (this.#unwritten.length <= MAX_UNWRITTEN) return 0;
    const kept = Math.max(this.#given, underWay);
    this.#unwritten.splice(Math.max(0, this.#unwritten.findIndex(({ id }) => id > kept)), 1);
    return 1;
  }

  /**
   * The next rows, each given once.
   *
   * @param unwrittenToo Whether to give those that are not on disk, when there are no others
   */
  give(limit: number, maxBytes: number, unwrittenToo: boolean): NewRow[] {
    const given = this.#given;
    const from = this.#written.length > 0
      ? this.#written
      : unwrittenToo
      ? this.#unwritten.filter(({ id }) => id > given)
      : [];
    const sizes = from.slice(0, limit).map(textBytes);
    const rows = from.slice(0, fitting(sizes, maxBytes));
    if (from === this.#written) this.#written = from.slice(rows.length);
    this.#given = rows.at(-1)?.id ?? given;
    return rows;
  }

  /**
   * The broker has these, so that they need not be written.
   *
   * @param doubtful Rows up to this id may be on disk
   * @returns Those that are, or may be
   */
  remove(ids: readonly number[], doubtful: number): readonly number[] {
    if (!this.#unwritten[0] || ids.every((id) => id < this.#unwritten[0]!.id)) return ids;
    const removed = new Set(ids);
    this.#unwritten = this.#unwritten.filter(({ id }) => {
      if (!removed.has(id)) return true;
      if (id > doubtful) removed.delete(id);
      return false;
    });
    return [...removed];
  }

  /**
   * Rows up to this id are on disk.
   *
   * @param keep Whether they may stay here until they are given out
   * @returns The ids of what is to be read back instead; null where nothing is
   */
  wrote(through: number, keep: boolean): [first: number, last: number] | null {
    const count = this.#unwritten.findLastIndex(({ id }) => id <= through) + 1;
    const rows = this.#unwritten.splice(0, count);
    this.#written.push(...rows.filter(({ id }) => id > this.#given));
    const [first, last] = [this.#written[0], this.#written.at(-1)];
    if (!first || !last || keep && this.#written.length <= MAX_WRITTEN) return null;
    this.#written = [];
    return [first.id, last.id];
  }
}

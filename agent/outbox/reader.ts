import type { Row } from "./protocol.ts";

/** Reads rows after an id, as a request of the protocol. */
export type Read = (after: number, limit: number, maxBytes: number) => Promise<Row[]>;

/**
 * Gives the rows, in order and each once, as they get stored or, failing that, wait. Where what is
 * stored cannot be read, what waits goes first, and may come again once it is stored. For one user.
 */
export class Reader {
  #read: Read;
  #readUnwritten: Read;
  #onFailure: (error: unknown) => void;
  #storedId = 0;
  /** Rows up to this id were given as they are stored, or were given already when they got stored. */
  #cursor = 0;
  /** Rows up to this id were given of those that are not stored. */
  #unwrittenCursor = 0;
  #reading = false;
  /** What is stored cannot be read, until there is reason to try again. */
  #unreadable = false;
  /** There may be more than when it was last asked for. */
  #changed = false;
  #wake: (() => void) | null = null;

  /**
   * @param readUnwritten Gives the rows after an id that are to be given though they are not stored;
   * asked when all that is stored is given out, or cannot be read
   * @param onFailure Told of a failed read, which is made again when `storedThrough` is next called
   */
  constructor(read: Read, readUnwritten: Read, onFailure: (error: unknown) => void) {
    this.#read = read;
    this.#readUnwritten = readUnwritten;
    this.#onFailure = onFailure;
  }

  /** Rows up to this id have been given out, or may be at any moment. */
  get givenThrough(): number {
    return this.#reading ? Infinity : this.#cursor;
  }

  /** Rows up to `id` are stored. */
  storedThrough(id: number): void {
    this.#storedId = Math.max(this.#storedId, id);
    this.#unreadable = false;
    this.#more();
  }

  /** `readUnwritten` may have rows now. */
  unwrittenChanged(): void {
    this.#more();
  }

  /** Waits for rows; none come when `signal` aborts and all are given out, or cannot be read. */
  async next(limit: number, maxBytes: number, signal: AbortSignal): Promise<Row[]> {
    while (true) {
      this.#changed = false;
      const rows = this.#storedId > this.#cursor && !this.#unreadable
        ? await this.#nextStored(limit, maxBytes)
        : await this.#nextUnwritten(limit, maxBytes);
      if (rows.length > 0) return rows;
      if (this.#changed) continue;
      if (signal.aborted) return [];
      await this.#changes(signal);
    }
  }

  async #nextStored(limit: number, maxBytes: number): Promise<Row[]> {
    const upTo = this.#storedId;
    this.#reading = true;
    try {
      const rows = await this.#read(this.#cursor, limit, maxBytes);
      // Rows that a cap dropped are not there.
      this.#cursor = rows.at(-1)?.id ?? upTo;
      return rows;
    } catch (error) {
      this.#unreadable = true;
      this.#onFailure(error);
      return [];
    } finally {
      this.#reading = false;
      this.#changed = true;
    }
  }

  async #nextUnwritten(limit: number, maxBytes: number): Promise<Row[]> {
    const after = Math.max(this.#cursor, this.#unwrittenCursor);
    const rows = await this.#readUnwritten(after, limit, maxBytes);
    this.#unwrittenCursor = rows.at(-1)?.id ?? after;
    // All that is stored was given out: what is given now is not to be given again when it is stored.
    if (this.#storedId <= this.#cursor) this.#cursor = this.#unwrittenCursor;
    return rows;
  }

  #more(): void {
    this.#changed = true;
    this.#wake?.();
  }

  #changes(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        this.#wake = null;
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake);
    });
  }
}

import type { Row } from "./protocol.ts";

/** Reads rows after an id, as a request of the protocol. */
export type Read = (after: number, limit: number, maxBytes: number) => Promise<Row[]>;

/** Gives the rows in order, each once, as they get stored or, failing that, wait. For one user. */
export class Reader {
  #read: Read;
  #readUnwritten: Read;
  #onFailure: (error: unknown) => void;
  #storedId = 0;
  #cursor = 0;
  #reading = false;
  #wake: (() => void) | null = null;

  /**
   * @param readUnwritten Gives the rows after an id that are to be given though they are not stored;
   * asked when all that is stored is given out
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
    this.#wake?.();
  }

  /** `readUnwritten` may have rows now. */
  unwrittenChanged(): void {
    if (this.#storedId <= this.#cursor) this.#wake?.();
  }

  /** Waits for rows; none come when `signal` aborts and all are given out, or cannot be read. */
  async next(limit: number, maxBytes: number, signal: AbortSignal): Promise<Row[]> {
    while (true) {
      const upTo = this.#storedId;
      if (upTo > this.#cursor) {
        try {
          this.#reading = true;
          const rows = await this.#read(this.#cursor, limit, maxBytes);
          // Rows that a cap dropped are not there.
          this.#cursor = rows.at(-1)?.id ?? upTo;
          if (rows.length > 0) return rows;
          continue;
        } catch (error) {
          this.#onFailure(error);
        } finally {
          this.#reading = false;
        }
      } else {
        const rows = await this.#readUnwritten(this.#cursor, limit, maxBytes);
        this.#cursor = rows.at(-1)?.id ?? this.#cursor;
        if (rows.length > 0) return rows;
        if (this.#storedId > this.#cursor) continue;
      }
      if (signal.aborted) return [];
      await this.#more(signal);
    }
  }

  #more(signal: AbortSignal): Promise<void> {
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

import type { Allowance } from "../condition/allowance.ts";

/** Decoded body bytes read when the request does not say: 1 MiB. */
export const DEFAULT_READ_BODY_BYTES = 1024 * 1024;

/**
 * Collects a body up to a cap. All of it is copied into one block, so that neither an object for each
 * of a million pieces of one byte nor the 64 KiB that each was read into stays.
 */
export class BodyBuffer {
  /** Whether more came than was to be kept. */
  truncated = false;
  readonly #max: number;
  readonly #allowance: Allowance | undefined;
  #block = new Uint8Array(0);
  #length = 0;

  /** @param allowance Where the memory is taken from; without, it is not counted */
  constructor(maxBytes: number, allowance?: Allowance) {
    this.#max = maxBytes;
    this.#allowance = allowance;
  }

  /**
   * Adds a piece; returns whether there is place for more.
   *
   * @throws What the allowance throws where it has no more
   */
  add(piece: Uint8Array): boolean {
    const room = this.#max - this.#length;
    if (piece.length > room) {
      this.truncated = true;
      piece = piece.subarray(0, room);
    }
    this.#allowance?.takeBytes(piece.length);
    const needed = this.#length + piece.length;
    if (needed > this.#block.length) {
      // The first block is no larger than what came: most bodies come in one piece.
      const grown = new Uint8Array(Math.min(this.#max, Math.max(needed, this.#block.length * 2)));
      grown.set(this.#block);
      this.#block = grown;
    }
    this.#block.set(piece, this.#length);
    this.#length = needed;
    return !this.truncated;
  }

  /** All of it, in memory of its own. */
  bytes(): Uint8Array {
    return this.#block.length === this.#length ? this.#block : this.#block.slice(0, this.#length);
  }
}

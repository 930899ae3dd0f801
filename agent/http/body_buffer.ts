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

  /** @param allowance What the block is taken from; without, it is not counted */
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
    const needed = this.#length + piece.length;
    if (needed > this.#block.length) this.#grow(needed);
    this.#block.set(piece, this.#length);
    this.#length = needed;
    return !this.truncated;
  }

  /** All of it, until more is added. */
  bytes(): Uint8Array {
    return this.#block.subarray(0, this.#length);
  }

  /** Doubles, if there is so much; but the first block is no larger than what came, often all of it. */
  #grow(needed: number): void {
    const held = this.#block.length;
    const most = Math.min(this.#max, Math.max(needed, held * 2)) - held;
    const taken = this.#allowance?.takeBytes(needed - held, most) ?? most;
    // The old block is free at once.
    this.#block = new Uint8Array(this.#block.buffer.transfer(held + taken));
  }
}

import type { Allowance } from "../condition/allowance.ts";

/** Decoded body bytes read when the request does not say: 1 MiB. */
export const DEFAULT_READ_BODY_BYTES = 1024 * 1024;

/** Pieces up to this size are copied together; one larger is kept as it is. */
const SMALL = 4096;
const BLOCK = 16 * 1024;

/**
 * Collects a body up to a cap. A body of a million one-byte chunks costs no more memory than one
 * piece of the same size: small pieces are copied into blocks, so that neither an object for each of
 * them nor the 64 KiB that each was read into stays.
 */
export class BodyBuffer {
  /** Whether more came than was to be kept. */
  truncated = false;
  #length = 0;
  readonly #max: number;
  readonly #allowance: Allowance | undefined;
  readonly #full: Uint8Array[] = [];
  #block: Uint8Array | null = null;
  #blockUsed = 0;

  /** @param allowance Where the memory is taken from; without, it is not counted */
  constructor(maxBytes: number, allowance?: Allowance) {
    this.#max = maxBytes;
    this.#allowance = allowance;
  }

  /**
   * Adds a piece; returns whether there is place for more. The piece may not be changed later.
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
    this.#length += piece.length;
    if (piece.length > SMALL) {
      this.#closeBlock();
      this.#full.push(piece);
    } else if (piece.length > 0) {
      this.#copy(piece);
    }
    return !this.truncated;
  }

  /** All of it, in memory of its own. */
  bytes(): Uint8Array {
    this.#closeBlock();
    const first = this.#full[0];
    // Most bodies are one small piece, copied already.
    if (this.#full.length === 1 && first!.length === first!.buffer.byteLength) return first!;
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#full) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  #copy(piece: Uint8Array): void {
    if (this.#block === null || this.#blockUsed + piece.length > this.#block.length) {
      this.#closeBlock();
      // The first block is no larger than what came: most bodies come in one piece.
      const size = this.#full.length === 0 && this.#length === piece.length ? piece.length : BLOCK;
      this.#block = new Uint8Array(size);
    }
    if (piece.length === 1) this.#block[this.#blockUsed] = piece[0]!;
    else this.#block.set(piece, this.#blockUsed);
    this.#blockUsed += piece.length;
  }

  #closeBlock(): void {
    if (this.#block === null) return;
    this.#full.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = null;
    this.#blockUsed = 0;
  }
}

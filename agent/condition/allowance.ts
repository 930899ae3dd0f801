import type { Limiter } from "./limiter.ts";

/** Of each exchange's bodies so much is free: many small ones never fail for a few large ones. */
const FREE_BYTES = 16 * 1024;

/** What one exchange may take of what all share. */
export interface Allowance {
  /**
   * Takes memory for a body: `most` bytes, or as many as there are.
   *
   * @param most @default least
   * @returns How many bytes were taken
   * @throws {Error} With code ENOMEM, where there are not even `least`
   */
  takeBytes(least: number, most?: number): number;
  /**
   * Takes a descriptor beside the exchange's own, if there is one to spare.
   *
   * @param share Of all: none is to spare where so many are taken. @default 1
   */
  takeSocket(share?: number): boolean;
  giveSocket(): void;
  /** Gives back the memory. */
  close(): void;
}

/** Bounds what the exchanges of an agent take together: memory for bodies, and descriptors. */
export class Allowances {
  #bytesLeft: number;
  readonly #places: Pick<Limiter, "tryAcquire" | "release">;

  constructor(maxBytes: number, places: Pick<Limiter, "tryAcquire" | "release">) {
    this.#bytesLeft = maxBytes;
    this.#places = places;
  }

  open(): Allowance {
    let [free, taken] = [FREE_BYTES, 0];
    return {
      takeBytes: (least, most = least) => {
        const bytes = Math.min(most, free + this.#bytesLeft);
        if (bytes < least) {
          const message = "The bodies that are read are over the agent's budget";
          throw Object.assign(new Error(message), { code: "ENOMEM" });
        }
        const counted = Math.max(0, bytes - free);
        free -= bytes - counted;
        this.#bytesLeft -= counted;
        taken += counted;
        return bytes;
      },
      takeSocket: (share) => this.#places.tryAcquire(share),
      giveSocket: () => this.#places.release(),
      close: () => {
        this.#bytesLeft += taken;
        taken = 0;
      },
    };
  }
}

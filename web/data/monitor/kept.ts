import type { Clock } from "../../../runtime/clock.ts";

const FRESH_MS = 5_000;
const OLD_MS = 15_000;

/**
 * What takes a while to find out, once for all who ask: what is known is good for 5 s, and for 15 while
 * it is found out anew.
 */
export class Kept<T> {
  readonly #clock: Clock;
  readonly #ask: () => Promise<T>;
  #known: { at: number; what: T } | null = null;
  #asking: Promise<T> | null = null;

  constructor(clock: Clock, ask: () => Promise<T>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Rejects where it cannot be found out, and nothing is known that is good. */
  async get(): Promise<T> {
    const now = this.#clock.monotonic();
    const age = now - (this.#known?.at ?? -Infinity);
    if (age > FRESH_MS) {
      this.#asking ??= this.#ask()
        .then((what) => (this.#known = { at: now, what }).what)
        .finally(() => this.#asking = null);
    }
    if (this.#asking === null || age <= OLD_MS) {
      // Who comes later is told why it failed.
      this.#asking?.catch(() => {});
      return this.#known!.what;
    }
    return await this.#asking;
  }
}

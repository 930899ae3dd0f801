import type { Clock } from "../../runtime/clock.ts";

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

/** What was made of something, by a key, until that is another revision; so many at the most. */
export class KeptOfRevision {
  readonly #most: number;
  readonly #kept = new Map<string, unknown>();
  #revision: unknown = null;

  constructor(most: number) {
    this.#most = most;
  }

  get<T>(revision: unknown, key: string, make: () => T): T {
    if (revision !== this.#revision) this.#kept.clear();
    this.#revision = revision;
    const kept = this.#kept.has(key) ? this.#kept.get(key) as T : make();
    // The one that was used longest ago goes.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > this.#most) this.#kept.delete(this.#kept.keys().next().value!);
    if (kept instanceof Promise) kept.catch(() => this.#kept.delete(key));
    return kept;
  }
}

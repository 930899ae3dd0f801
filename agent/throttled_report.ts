import type { Clock } from "../runtime/clock.ts";

/** Reports what may happen often: at once, then at most once a minute with how many there were. */
export class ThrottledReport<T> {
  #clock: Clock;
  #report: (count: number, latest: T) => void;
  #everyMs: number;
  #count = 0;
  #latest: T | null = null;
  #cancel: (() => void) | null = null;

  /** @param report Called with how many there were since the last call, and the latest one's detail */
  constructor(clock: Clock, report: (count: number, latest: T) => void, everyMs = 60_000) {
    this.#clock = clock;
    this.#report = report;
    this.#everyMs = everyMs;
  }

  add(count: number, detail: T): void {
    this.#count += count;
    this.#latest = detail;
    if (!this.#cancel) this.#tell();
  }

  /** Reports what is left, and forgets its timer. */
  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#take();
  }

  #tell(): void {
    if (this.#count === 0) return;
    this.#cancel = this.#clock.after(this.#everyMs, () => {
      this.#cancel = null;
      this.#tell();
    });
    this.#take();
  }

  #take(): void {
    const count = this.#count;
    this.#count = 0;
    if (count > 0) this.#report(count, this.#latest as T);
  }
}

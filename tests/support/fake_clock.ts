import type { Clock } from "../../runtime/clock.ts";

interface Timer {
  due: number;
  run: () => void;
}

/** A clock that moves only when told to; wall clock and monotonic clock are apart, as in life. */
export class FakeClock implements Clock {
  #monotonic: number;
  #wallOffset: number;
  #timers = new Set<Timer>();

  constructor(options: { wall?: number; monotonic?: number } = {}) {
    this.#monotonic = options.monotonic ?? 5_000;
    this.#wallOffset = (options.wall ?? Date.UTC(2026, 0, 1)) - this.#monotonic;
  }

  now = (): number => Math.floor(this.#monotonic + this.#wallOffset);

  monotonic = (): number => this.#monotonic;

  after = (ms: number, run: () => void): () => void => {
    const timer = { due: this.#monotonic + Math.max(0, ms), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Sets the wall clock by `ms`, as a person or NTP does; timers do not notice. */
  setWallBy(ms: number): void {
    this.#wallOffset += ms;
  }

  /** Time passes without a timer running, as in a sleep or a stalled loop. */
  stall(ms: number): void {
    this.#monotonic += ms;
  }

  /** Lets `ms` pass: each timer runs at its time, in order, and what it resolved runs before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#monotonic = Math.max(this.#monotonic, next.due);
      next.run();
      await settle();
    }
    this.#monotonic = Math.max(this.#monotonic, end);
  }

  #next(end: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.due <= end && (first === null || timer.due < first.due)) first = timer;
    }
    return first;
  }
}

/** Lets every promise that is ready run, and those that these make ready, some turns deep. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

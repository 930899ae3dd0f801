import type { Clock } from "../clock.ts";
import { Histogram } from "./histogram.ts";

/** How often the loop is asked. */
const BEAT_MS = 100;

const BOUNDS_MS = [1, 2.5, 5, 10, 20, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/**
 * How late timers run, ten times a second: how long the event loop makes others wait. (Deno has
 * node:perf_hooks' monitorEventLoopDelay in name only.)
 */
export class LoopDelay {
  /** Milliseconds. */
  readonly histogram = new Histogram(BOUNDS_MS);
  readonly #clock: Clock;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    const expected = this.#clock.monotonic() + BEAT_MS;
    this.#cancel = this.#clock.after(BEAT_MS, () => {
      this.histogram.record(Math.max(0, this.#clock.monotonic() - expected));
      this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}

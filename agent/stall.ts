import type { Clock } from "../runtime/clock.ts";

/** How often the loop is looked at. */
const BEAT_MS = 250;

/** A beat that comes later than this means that the loop stood still. */
export const STALL_MS = 1_000;

/**
 * Notices when the event loop (or the whole process, or the machine) stood still, so that what failed
 * meanwhile is not put down to a site: a connection that nobody served times out or is reset. A
 * machine's sleep shows on the wall clock alone, as most monotonic clocks stand still in it; a wall
 * clock that is set forward looks the same, and is taken for one.
 */
export class StallDetector {
  #clock: Clock;
  #cancel: (() => void) | null = null;
  #expected = 0;
  #wallExpected = 0;
  #lastEnd = -Infinity;
  #lastMs = 0;
  #count = 0;
  #onStall: (ms: number) => void;

  /** @param onStall Called at the end of each stall with its length in milliseconds */
  constructor(clock: Clock, onStall: (ms: number) => void = () => {}) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  start(): void {
    this.#expected = this.#clock.monotonic() + BEAT_MS;
    this.#wallExpected = this.#clock.now() + BEAT_MS;
    this.#cancel = this.#clock.after(BEAT_MS, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Stalls so far. */
  get count(): number {
    return this.#count;
  }

  /** The length of the latest stall that ended at or after the monotonic time `start`, or null. */
  since(start: number): number | null {
    // The caller's timer may run before ours at a stall's end.
    this.#look();
    return this.#lastEnd >= start ? this.#lastMs : null;
  }

  #look(): void {
    if (this.#cancel === null) return;
    const now = this.#clock.monotonic();
    const wall = this.#clock.now();
    const late = Math.max(now - this.#expected, wall - this.#wallExpected);
    if (late <= STALL_MS) return;
    this.#expected = now;
    this.#wallExpected = wall;
    this.#lastEnd = now;
    this.#lastMs = late;
    this.#count++;
    this.#onStall(late);
  }
}

import type { Clock } from "../../runtime/clock.ts";

/** The wall clock may drift from the monotonic one by so much before it counts as set. */
const STEP_MS = 5_000;

const STEPS = "clock_steps_ms";

/**
 * Time as results age by it: milliseconds since 1970 that pass with the monotonic clock, so that
 * setting the wall clock makes no result older. It is the wall clock less the steps that it made.
 *
 * While nobody looked, only the wall clock can tell how long that was: what it went ahead is taken
 * for time that passed, whether or not it was set meanwhile. Where it went back, no time passed.
 */
export class AgeClock {
  #clock: Clock;
  #steps: number;
  #kept: boolean;
  /** How far the wall clock was ahead of the monotonic one, when that was last looked at. */
  #offset: number;

  /**
   * @param meta As an earlier process left it
   * @param newest The latest time that this clock is known to have shown; null where none is
   */
  constructor(clock: Clock, meta: Readonly<Record<string, string>>, newest: number | null) {
    this.#clock = clock;
    this.#kept = Object.hasOwn(meta, STEPS);
    const wall = clock.now();
    this.#offset = wall - clock.monotonic();
    this.#steps = Math.min(stepsIn(meta), wall - (newest ?? -Infinity));
  }

  /** Milliseconds that the wall clock was set ahead (or, below 0, back) in all; whole. */
  get steps(): number {
    this.#look();
    return this.#steps;
  }

  now(): number {
    return this.#look() - this.#steps;
  }

  /** What the next process has to know; empty while the wall clock was never set. */
  toMeta(): Record<string, string> {
    const { steps } = this;
    // A step that was told once stays in the file until another is.
    this.#kept ||= steps !== 0;
    return this.#kept ? { [STEPS]: String(steps) } : {};
  }

  #look(): number {
    const wall = this.#clock.now();
    const offset = wall - this.#clock.monotonic();
    const step = Math.round(offset - this.#offset);
    if (Math.abs(step) > STEP_MS) {
      this.#steps += step;
      this.#offset += step;
    }
    return wall;
  }
}

/** What an AgeClock that left `meta` would show when the wall clock shows `wall`. */
export function ageTime(wall: number, meta: Readonly<Record<string, string>>): number {
  return wall - stepsIn(meta);
}

function stepsIn(meta: Readonly<Record<string, string>>): number {
  return Number(meta[STEPS]) || 0;
}

import type { Clock } from "../runtime/clock.ts";

/** Due times that passed without a run. */
export interface Missed {
  /** Monotonic time of the first, milliseconds. */
  due: number;
  slots: number;
}

/** Due times at a fixed rate: whole intervals from an anchor, monotonic milliseconds. */
export interface Grid {
  anchor: number;
  frequencyMs: number;
  /** Runs are at multiples of this. */
  stepMs: number;
}

/**
 * One run of an item, and the due times that it answers for: from its own on all that come until
 * `slots()` is asked last.
 */
export class Turn {
  readonly #clock: Clock;
  readonly grid: Grid;
  #due: number;
  /** Up to when due times are answered for. */
  #until: number;

  constructor(clock: Clock, grid: Grid, due: number) {
    this.#clock = clock;
    this.grid = grid;
    this.#due = due;
    this.#until = due;
  }

  /** Monotonic time that the run was due at. */
  get due(): number {
    return this.#due;
  }

  /** How long ago that was. */
  get lateMs(): number {
    return Math.max(0, this.#clock.monotonic() - this.#due);
  }

  /** How long until the next due time that is not answered for. */
  get leftMs(): number {
    return this.next - this.#clock.monotonic();
  }

  /** The first due time that is not answered for. */
  get next(): number {
    return nextSlot(this.grid, this.#until);
  }

  /**
   * How many due times there are by now, this run's own among them.
   *
   * @param stalledMs How long the loop stood still: what came due in that time is missed
   */
  slots(stalledMs = 0): number {
    this.#until = Math.max(this.#due, this.#clock.monotonic() - stalledMs);
    return 1 + slotOf(this.grid, this.#until) - slotOf(this.grid, this.#due);
  }

  /** Goes on for the latest due time alone. @returns Those before it, if there are any */
  skip(): Missed | null {
    const due = this.#due;
    const slots = this.slots() - 1;
    if (slots === 0) return null;
    this.#due = slotTime(this.grid, slotOf(this.grid, this.#until));
    return { due, slots };
  }
}

/** The number of the last due time at or before `time`; a microsecond makes up for rounding. */
function slotOf({ anchor, frequencyMs }: Grid, time: number): number {
  return Math.floor((time - anchor + 0.001) / frequencyMs);
}

/** When a due time is, by its number, put on the grid of timers. */
function slotTime({ anchor, frequencyMs, stepMs }: Grid, slot: number): number {
  return Math.ceil((anchor + slot * frequencyMs) / stepMs) * stepMs;
}

/** The first due time after `time`. */
export function nextSlot(grid: Grid, time: number): number {
  return slotTime(grid, slotOf(grid, time) + 1);
}

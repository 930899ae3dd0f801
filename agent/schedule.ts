import TinyQueue from "tinyqueue";
import type { Clock } from "../runtime/clock.ts";
import { type Grid, type Missed, nextSlot, Turn } from "./due_times.ts";
import { hashFraction } from "./hash.ts";

/** What is scheduled: an identity and how often. */
export interface Scheduled {
  /** Unique; decides the place in the interval. */
  id: string;
  frequencyMs: number;
}

export interface ScheduleOptions<T extends Scheduled> {
  clock: Clock;
  /**
   * Called when an item is due. The item is not run again before the promise settles; what comes due
   * while it runs is the turn's. Must not reject.
   */
  run: (item: T, turn: Turn) => Promise<void>;
  /** Called with due times that passed without a run, as the loop stood still. */
  onMissed?: (item: T, missed: Missed) => void;
}

interface Entry<T> {
  item: T;
  grid: Grid;
  /** Monotonic time of the next run. */
  due: number;
  /** The due time that it is for: the same, or before it where the run is late by intent. */
  slot: number;
  /** The run under way, if there is one; the entry is not in the queue then. */
  turn: Turn | null;
}

/**
 * Due times are multiples of a step, so that items due together share a turn of the event loop: turns,
 * not our code, are what a schedule costs (188 us a check at 1,000 a second where exact timers cost
 * 303; 530 at 100 a second and ten a turn where one a turn costs 1,290). The step is what ten runs
 * take to come due, within these bounds; where not two would, the shortest.
 */
const MIN_STEP_MS = 10;
const MAX_STEP_MS = 100;
const RUNS_A_STEP = 10;

/** A new item, and one that missed a due time in a stall, runs within this (or its interval, if shorter). */
const FIRST_WITHIN_MS = 10_000;

/** What is late by more than this (or by an interval, if shorter) is not run at once. */
const MAX_LATE_MS = 2_000;

/** A timer never waits longer: setTimeout cannot wait for over 24.8 days, and a sleep ends unseen. */
const MAX_WAIT_MS = 60_000;

/** The longest that one turn of the loop starts runs for; those that are left follow in the next. */
const MAX_SLICE_MS = 8;

/**
 * Runs many items, each at a fixed rate on the monotonic clock, with one timer for all.
 *
 * Due times are anchored to the wall clock at a place in the interval given by a hash of the id, so
 * that items are spread, and keep their places when the process starts again. The first of a new item
 * is sooner, if its place is over ten seconds away. A late or long run moves no later due time. After
 * a stall or a sleep there is no burst: each item runs at its next due time, or for the last one that
 * it missed if the next is over ten seconds away, spread as at the start.
 *
 * Each due time is one turn's or is missed: none is left out, none counted twice.
 */
export class Schedule<T extends Scheduled> {
  #options: ScheduleOptions<T>;
  #clock: Clock;
  #entries = new Map<string, Entry<T>>();
  /** Those that do not run. */
  #queue = inOrder<T>([]);
  #cancel: (() => void) | null = null;
  #armedFor = Infinity;
  #started = false;

  constructor(options: ScheduleOptions<T>) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Items that are scheduled. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * How long the first item has been due without a turn, milliseconds: 0 where all is well or nothing
   * is scheduled, little in a busy loop.
   */
  get overdueMs(): number {
    const first = this.#queue.peek();
    if (!this.#started || !first) return 0;
    return Math.max(0, this.#clock.monotonic() - first.due);
  }

  start(): void {
    this.#started = true;
    this.#arm();
  }

  /** No run starts after this; those that run go on. */
  stop(): void {
    this.#started = false;
    this.#disarm();
  }

  /**
   * Schedules exactly `items`. One whose id and frequency are as before keeps its place, and its next
   * run is of the new object; a new one has its first run within ten seconds or its interval. A run
   * under way keeps to the due times that it began with.
   */
  replace(items: readonly T[]): void {
    const now = this.#clock.monotonic();
    const wallMinusMonotonic = this.#clock.now() - now;
    const stepMs = stepOf(items);
    const before = this.#entries;
    this.#entries = new Map();
    for (const item of items) {
      const old = before.get(item.id);
      if (old && old.item.frequencyMs === item.frequencyMs) {
        old.item = item;
        this.#entries.set(item.id, old);
        continue;
      }
      const { frequencyMs } = item;
      const wallAnchor = hashFraction(item.id) * frequencyMs - wallMinusMonotonic;
      // Brought near to now, where a double still has room for fractions of a microsecond.
      const intervals = Math.floor((now - wallAnchor) / frequencyMs);
      const grid = { anchor: wallAnchor + intervals * frequencyMs, frequencyMs, stepMs };
      const due = soon(item.id, grid, now);
      // A run of the old entry may be under way; the new one must not overlap it.
      const entry = Object.assign(old ?? { turn: null }, { item, grid, due, slot: due });
      this.#entries.set(item.id, entry);
    }
    this.#queue = inOrder([...this.#entries.values()].filter(({ turn }) => turn === null));
    if (this.#started) this.#arm();
  }

  #arm(): void {
    const first = this.#queue.peek();
    if (!this.#started || !first) return this.#disarm();
    if (this.#cancel && this.#armedFor === first.due) return;
    this.#disarm();
    this.#armedFor = first.due;
    const wait = Math.ceil(first.due - this.#clock.monotonic());
    this.#cancel = this.#clock.after(Math.min(Math.max(wait, 0), MAX_WAIT_MS), () => {
      this.#cancel = null;
      this.#runWhatIsDue();
      this.#arm();
    });
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#armedFor = Infinity;
  }

  #runWhatIsDue(): void {
    const start = this.#clock.monotonic();
    for (let now = start; now - start <= MAX_SLICE_MS; now = this.#clock.monotonic()) {
      const entry = this.#queue.peek();
      if (!entry || entry.due > now) return;
      this.#queue.pop();
      const tooLate = now - entry.due > Math.min(MAX_LATE_MS, entry.grid.frequencyMs);
      if (tooLate) this.#putOff(entry, now);
      else void this.#run(entry);
      if (!this.#started) return;
    }
  }

  /** Leaves a run that is too late for the next due time, or soon for the last. */
  #putOff(entry: Entry<T>, now: number): void {
    const { item, grid } = entry;
    const turn = new Turn(this.#clock, grid, entry.slot);
    entry.due = soon(item.id, grid, now);
    const isOnGrid = entry.due === nextSlot(grid, now);
    const missed = isOnGrid ? { due: turn.due, slots: turn.slots() } : turn.skip();
    entry.slot = isOnGrid ? entry.due : turn.due;
    this.#queue.push(entry);
    if (missed) this.#options.onMissed?.(item, missed);
  }

  async #run(entry: Entry<T>): Promise<void> {
    const turn = new Turn(this.#clock, entry.grid, entry.slot);
    entry.turn = turn;
    await this.#options.run(entry.item, turn).catch(() => {});
    entry.turn = null;
    if (this.#entries.get(entry.item.id) !== entry) return;
    // Its due times are others where it was rescheduled meanwhile.
    if (entry.grid === turn.grid) entry.due = turn.next;
    else entry.due = soon(entry.item.id, entry.grid, this.#clock.monotonic());
    entry.slot = entry.due;
    this.#queue.push(entry);
    this.#arm();
  }
}

/** The items, the one that is due first in front. */
function inOrder<T>(entries: Entry<T>[]): TinyQueue<Entry<T>> {
  return new TinyQueue(entries, (a, b) => a.due - b.due);
}

/** The step for so many items. */
function stepOf(items: readonly Scheduled[]): number {
  const aMs = items.reduce((sum, { frequencyMs }) => sum + 1 / frequencyMs, 0);
  if (aMs * MAX_STEP_MS < 2) return MIN_STEP_MS;
  const steps = Math.round(RUNS_A_STEP / aMs / MIN_STEP_MS);
  return Math.min(Math.max(steps * MIN_STEP_MS, MIN_STEP_MS), MAX_STEP_MS);
}

/** The next due time, or a time of the item's own within ten seconds if that comes sooner. */
function soon(id: string, grid: Grid, time: number): number {
  const within = Math.min(grid.frequencyMs, FIRST_WITHIN_MS);
  const slot = nextSlot(grid, time);
  if (slot - time <= within) return slot;
  return Math.ceil((time + hashFraction(id, 1) * within) / grid.stepMs) * grid.stepMs;
}

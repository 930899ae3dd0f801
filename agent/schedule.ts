import type { Clock } from "../runtime/clock.ts";
import { hashFraction } from "./hash.ts";
import { Heap } from "./heap.ts";

/** What is scheduled: an identity and how often. */
export interface Scheduled {
  /** Unique; decides the place in the interval. */
  id: string;
  frequencyMs: number;
}

export interface ScheduleOptions<T extends Scheduled> {
  clock: Clock;
  /**
   * Called when an item is due. The item is not run again before the promise settles; a slot that
   * comes while it runs is skipped. Must not reject.
   *
   * @param due Monotonic time it was due at, milliseconds
   */
  run: (item: T, due: number) => Promise<void>;
  /** Called with the number of slots that passed without a run. */
  onSkip?: (item: T, slots: number) => void;
}

interface Entry<T> {
  item: T;
  /** Monotonic time of one slot; the others are whole intervals away. */
  anchor: number;
  /** Monotonic time of the next run, on the grid. */
  due: number;
  running: boolean;
}

/**
 * Due times are multiples of this, so that items due together share a turn of the event loop: turns,
 * not our code, are what a schedule costs (188 us a check where exact timers cost 303).
 */
const GRID_MS = 10;

/** A new item, and one that missed a slot in a stall, runs within this (or its interval, if shorter). */
const FIRST_WITHIN_MS = 10_000;

/** A slot missed by more than this (or by an interval, if shorter) is skipped, not run late. */
const MAX_LATE_MS = 2_000;

/** A timer never waits longer: setTimeout cannot wait for over 24.8 days, and a sleep ends unseen. */
const MAX_WAIT_MS = 60_000;

/** The longest that one turn starts runs for; those that are left follow in the next turn. */
const MAX_SLICE_MS = 8;

/**
 * Runs many items, each at a fixed rate on the monotonic clock, with one timer for all.
 *
 * Slots are anchored to the wall clock at a place in the interval given by a hash of the id, so that
 * items are spread, and keep their places when the process starts again. A late or long run moves no
 * later slot. After a stall or a sleep there is no burst: missed slots are skipped, and each item runs
 * at its next slot, or sooner if that is over ten seconds away, spread as at the start.
 */
export class Schedule<T extends Scheduled> {
  #options: ScheduleOptions<T>;
  #clock: Clock;
  #entries = new Map<string, Entry<T>>();
  #heap = new Heap<Entry<T>>();
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
    const first = this.#heap.peek();
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
   * run is of the new object; a new one has its first run within ten seconds or its interval.
   */
  replace(items: readonly T[]): void {
    const now = this.#clock.monotonic();
    const wallMinusMonotonic = this.#clock.now() - now;
    const before = this.#entries;
    this.#entries = new Map();
    for (const item of items) {
      const old = before.get(item.id);
      if (old && old.item.frequencyMs === item.frequencyMs) {
        old.item = item;
        this.#entries.set(item.id, old);
        continue;
      }
      const wallAnchor = hashFraction(item.id) * item.frequencyMs - wallMinusMonotonic;
      // Brought near to now, where a double still has room for fractions of a microsecond.
      const intervals = Math.floor((now - wallAnchor) / item.frequencyMs);
      const anchor = wallAnchor + intervals * item.frequencyMs;
      // A run of the old entry may be under way; the new one must not overlap it.
      const entry = old ?? { item, anchor, due: 0, running: false };
      entry.item = item;
      entry.anchor = anchor;
      entry.due = soon(entry, now);
      this.#entries.set(item.id, entry);
    }
    this.#heap.reset(this.#entries.values());
    if (this.#started) this.#arm();
  }

  #arm(): void {
    const first = this.#heap.peek();
    if (!this.#started || !first) return this.#disarm();
    if (this.#cancel && this.#armedFor === first.due) return;
    this.#disarm();
    this.#armedFor = first.due;
    const wait = Math.ceil(first.due - this.#clock.monotonic());
    this.#cancel = this.#clock.after(Math.min(Math.max(wait, 0), MAX_WAIT_MS), () => {
      this.#cancel = null;
      this.#turn();
      this.#arm();
    });
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#armedFor = Infinity;
  }

  #turn(): void {
    const start = this.#clock.monotonic();
    for (let now = start; now - start <= MAX_SLICE_MS; now = this.#clock.monotonic()) {
      const entry = this.#heap.peek();
      if (!entry || entry.due > now) return;
      const { due } = entry;
      const { frequencyMs } = entry.item;
      const tooLate = now - due > Math.min(MAX_LATE_MS, frequencyMs);
      const runs = !tooLate && !entry.running;
      // The slots in [due, now], less the one that runs.
      const skipped = slotOf(entry, now) - slotOf(entry, due) + (runs ? 0 : 1);
      entry.due = tooLate ? soon(entry, now) : nextSlot(entry, now);
      this.#heap.sinkFirst();
      if (skipped > 0) this.#options.onSkip?.(entry.item, skipped);
      if (runs) this.#run(entry, due);
      if (!this.#started) return;
    }
  }

  #run(entry: Entry<T>, due: number): void {
    entry.running = true;
    const ended = () => void (entry.running = false);
    this.#options.run(entry.item, due).then(ended, ended);
  }
}

/** The number of the last slot at or before `time`; a microsecond makes up for rounding. */
function slotOf(entry: Entry<Scheduled>, time: number): number {
  return Math.floor((time - entry.anchor + 0.001) / entry.item.frequencyMs);
}

/** The first slot after `time`, put on the grid. */
function nextSlot(entry: Entry<Scheduled>, time: number): number {
  const slot = entry.anchor + (slotOf(entry, time) + 1) * entry.item.frequencyMs;
  return Math.ceil(slot / GRID_MS) * GRID_MS;
}

/** The next slot, or a time of the item's own within ten seconds if that comes sooner. */
function soon(entry: Entry<Scheduled>, time: number): number {
  const within = Math.min(entry.item.frequencyMs, FIRST_WITHIN_MS);
  const slot = nextSlot(entry, time);
  if (slot - time <= within) return slot;
  return Math.ceil((time + hashFraction(entry.item.id, 1) * within) / GRID_MS) * GRID_MS;
}

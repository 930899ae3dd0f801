import type { Clock } from "../../runtime/clock.ts";

/** How often the loop is looked at while something is checked, and while nothing is. */
const BUSY_BEAT_MS = 20;
const IDLE_BEAT_MS = 250;

/** A beat that is late by less is as punctual as timers are. */
const MIN_DELAY_MS = 5;

/** A beat that comes later than this means that the loop stood still. */
const STALL_MS = 1_000;

/**
 * Sees how long the event loop (or the whole process, or the machine) stands still, so that what it
 * causes is not put down to a site: a connection that nobody served times out or is reset. What is
 * seen is less than what was by up to a beat.
 *
 * A machine's sleep shows on the wall clock alone, as most monotonic clocks stand still in it; a wall
 * clock that is set forward looks the same, and is taken for one.
 */
export class LoopWatch {
  #clock: Clock;
  #cancel: (() => void) | null = null;
  #beatMs = IDLE_BEAT_MS;
  /** Whether there was a watcher since the last beat. */
  #wasWatched = false;
  #expected = 0;
  #wallExpected = 0;
  /** When each check under way began, in order. */
  #watchers = new Set<{ start: number }>();
  /** Delays since the first of them, each smaller than those before it: the first is the worst. */
  #delays: { end: number; ms: number }[] = [];
  #onStall: (ms: number) => void;

  /** @param onStall Called at the end of each stall of over a second with its length in milliseconds */
  constructor(clock: Clock, onStall: (ms: number) => void = () => {}) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  start(): void {
    this.#beat();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Watches from now on. @returns Ends it, with the worst delay meanwhile in milliseconds, or 0 */
  watch(): () => number {
    this.#look();
    if (this.#watchers.size === 0) this.#delays = [];
    const watcher = { start: this.#clock.monotonic() };
    this.#watchers.add(watcher);
    this.#wasWatched = true;
    // Once for many checks, as a timer costs more than all else here.
    if (this.#cancel && this.#beatMs === IDLE_BEAT_MS) this.#beat();
    return () => {
      // The caller's timer may run before ours at a stall's end.
      this.#look();
      const worst = this.#delays.find(({ end }) => end > watcher.start)?.ms ?? 0;
      this.#watchers.delete(watcher);
      const first = this.#watchers.values().next().value?.start ?? Infinity;
      const past = this.#delays.findIndex(({ end }) => end > first);
      this.#delays.splice(0, past < 0 ? this.#delays.length : past);
      return worst;
    };
  }

  #beat(): void {
    this.#cancel?.();
    const ms = this.#wasWatched ? BUSY_BEAT_MS : IDLE_BEAT_MS;
    this.#beatMs = ms;
    this.#wasWatched = this.#watchers.size > 0;
    this.#expected = this.#clock.monotonic() + ms;
    this.#wallExpected = this.#clock.now() + ms;
    this.#cancel = this.#clock.after(ms, () => {
      this.#look();
      this.#beat();
    });
  }

  #look(): void {
    if (this.#cancel === null) return;
    const now = this.#clock.monotonic();
    const wall = this.#clock.now();
    const slept = wall - this.#wallExpected;
    const ms = Math.max(now - this.#expected, slept > STALL_MS ? slept : 0);
    if (ms <= MIN_DELAY_MS) return;
    this.#expected = now;
    this.#wallExpected = wall;
    while (this.#delays.length > 0 && this.#delays.at(-1)!.ms <= ms) this.#delays.pop();
    this.#delays.push({ end: now, ms });
    if (ms > STALL_MS) this.#onStall(ms);
  }
}

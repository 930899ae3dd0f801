import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";

/** What must be kept, in the same transaction as the results, for a restart to repeat no timestamp. */
export interface TimestampState {
  /** 0-999: how often, modulo 1,000, the wall clock was seen to go back. */
  generation: number;
  /** The latest millisecond since 1970 given out. */
  highWaterMs: number;
}

/** Generations that three digits tell apart. */
const GENERATIONS = 1_000;

/** The state of an agent that has none: some generation, in case an older state was lost. */
export function newTimestampState(random: () => number = Math.random): TimestampState {
  return { generation: Math.floor(random() * GENERATIONS), highWaterMs: -Infinity };
}

/**
 * Gives the start times of checks, never the same one twice for a site.
 *
 * The wall clock has milliseconds; the three digits below are a generation, raised each time that the
 * clock is found behind what was given out before, also at a restart. So a time that comes again,
 * comes with other digits (until the clock was set back a thousand times over the same time). Within
 * a generation the clock does not go back, and a site's equal milliseconds count up.
 */
export class Timestamps {
  #clock: Clock;
  #onSetBack: (byMs: number) => void;
  #generation: number;
  #highWaterMs: number;
  /** The last reading of the clock; a site's millisecond may be ahead of it. */
  #seenMs: number;
  /** The first millisecond that this process may give in this generation. */
  #firstMs: number;
  #lastOfSite = new Map<string, number>();

  /** @param onSetBack Called when the clock is found to have gone back, with how far */
  constructor(clock: Clock, state: TimestampState, onSetBack: (byMs: number) => void = () => {}) {
    this.#clock = clock;
    this.#onSetBack = onSetBack;
    this.#generation = state.generation;
    this.#highWaterMs = state.highWaterMs;
    // The millisecond of the high-water mark itself may have been given to any site.
    this.#seenMs = state.highWaterMs + 1;
    this.#firstMs = this.#seenMs;
  }

  /**
   * This site's next timestamp, in microseconds since 1970: now, or `agoMs` before now where no other
   * of the site's is later.
   */
  next(siteId: string, agoMs = 0): bigint {
    const now = this.#clock.now();
    if (now < this.#seenMs) {
      const back = this.#seenMs - now;
      this.#generation = (this.#generation + 1) % GENERATIONS;
      this.#highWaterMs = now;
      this.#firstMs = -Infinity;
      this.#lastOfSite.clear();
      this.#onSetBack(back);
    }
    this.#seenMs = now;
    const first = (this.#lastOfSite.get(siteId) ?? this.#firstMs - 1) + 1;
    const ms = Math.max(now - Math.round(agoMs), first);
    this.#lastOfSite.set(siteId, ms);
    this.#highWaterMs = Math.max(this.#highWaterMs, ms);
    return BigInt(ms) * 1_000n + BigInt(this.#generation);
  }

  /** Forgets all sites but those with these ids. */
  keep(ids: ReadonlySet<string>): void {
    // One that comes back within its last millisecond is no nearer than the next one.
    for (const [id, ms] of this.#lastOfSite) {
      if (!ids.has(id) && ms < this.#seenMs) this.#lastOfSite.delete(id);
    }
  }

  state(): TimestampState {
    return { generation: this.#generation, highWaterMs: this.#highWaterMs };
  }
}

/** The names under which the outbox keeps the state. */
const GENERATION = "timestamp_generation";
const HIGH_WATER = "timestamp_high_water_ms";

/** The state as the outbox keeps it. */
export function toMeta(state: TimestampState): Record<string, string> {
  return { [GENERATION]: String(state.generation), [HIGH_WATER]: String(state.highWaterMs) };
}

/** Timestamps that go on from what the outbox kept; a clock set back by a second or more is logged. */
export function timestampsOf(
  meta: Readonly<Record<string, string>>,
  clock: Clock,
  log: Logger,
): Timestamps {
  const generation = meta[GENERATION];
  const highWater = meta[HIGH_WATER];
  const state = generation === undefined || highWater === undefined
    ? newTimestampState()
    : { generation: Number(generation), highWaterMs: Number(highWater) };
  return new Timestamps(clock, state, (byMs) => {
    if (byMs < 1_000) return;
    log.error({ seconds: byMs / 1_000 }, "The clock was set back; no timestamp is given twice");
  });
}

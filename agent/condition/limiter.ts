/** Of the places, so many are not for those that hold them long. */
const LONG_SHARE = 0.75;

/**
 * Lets at most `max` holders in at a time; others wait in the order they came. Those that are known to
 * hold a place for long have three quarters of them, so that they never keep all others waiting.
 *
 * @throws {RangeError} Where `max` is not a positive integer
 */
export class Limiter {
  readonly max: number;
  #held = 0;
  #short: (() => void)[] = [];
  #long: (() => void)[] = [];

  constructor(max: number) {
    if (!Number.isInteger(max) || max < 1) {
      throw new RangeError(`The limit must be a positive integer: found ${max}`);
    }
    this.max = max;
  }

  /** Places taken. */
  get held(): number {
    return this.#held;
  }

  /** Holders that wait for a place. */
  get waiting(): number {
    return this.#short.length + this.#long.length;
  }

  /** Takes a place if one is free, and less than `share` of them are taken. */
  tryAcquire(share = 1): boolean {
    if (this.#held >= this.max * share) return false;
    this.#held++;
    return true;
  }

  /** Resolves when a place is taken; give it back with `release()`. */
  acquire(isLong = false): Promise<void> {
    if (this.tryAcquire(isLong ? LONG_SHARE : 1)) return Promise.resolve();
    return new Promise((resolve) => (isLong ? this.#long : this.#short).push(resolve));
  }

  /** Gives a place back, to the one who waits longest if any may have it. */
  release(): void {
    this.#held--;
    const queue = this.#short.length > 0 ? this.#short : this.#long;
    if (queue.length > 0 && this.tryAcquire(queue === this.#long ? LONG_SHARE : 1)) {
      queue.shift()!();
    }
  }
}

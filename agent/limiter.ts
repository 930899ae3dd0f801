/**
 * Lets at most `max` holders in at a time; others wait in the order they came.
 *
 * @throws {RangeError} Where `max` is not a positive integer
 */
export class Limiter {
  readonly max: number;
  #held = 0;
  #queue: (() => void)[] = [];
  #first = 0;

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
    return this.#queue.length - this.#first;
  }

  /** Takes a place if one is free, and less than `share` of them are taken. */
  tryAcquire(share = 1): boolean {
    if (this.#held >= this.max * share) return false;
    this.#held++;
    return true;
  }

  /** Resolves when a place is taken; give it back with `release()`. */
  acquire(): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  /** Gives a place back, to the one who waits longest if any does. */
  release(): void {
    const next = this.#queue[this.#first];
    if (!next) {
      this.#held--;
      return;
    }
    this.#first++;
    // Taking from an array's front is linear; dropping the spent half now and then is not.
    if (this.#first * 2 >= this.#queue.length) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    next();
  }
}

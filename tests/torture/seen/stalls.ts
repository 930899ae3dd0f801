const TURN_MS = 25;
/** A turn that is so late is a standstill of the thread, by whatever else the machine does for one. */
const STALL_MS = 50;
/** What came during a standstill is seen within this of its end. */
const AFTER_STALL_MS = 250;

/** Tells how long the harness's own thread may have been blind, so that nobody else is blamed for it. */
export class Stalls {
  /** The longest, milliseconds. */
  most = 0;
  #turned: number;
  #stall: { from: number; to: number } | null = null;

  constructor(now: number) {
    this.#turned = now;
  }

  /** Watches this thread until `end` is called. */
  static watch(): { stalls: Stalls; end: () => void } {
    const stalls = new Stalls(Date.now());
    const turns = setInterval(() => stalls.turn(Date.now()), TURN_MS);
    return { stalls, end: () => clearInterval(turns) };
  }

  /** To be called every 25 ms. */
  turn(now: number): void {
    const stood = now - this.#turned;
    if (stood > STALL_MS) this.#stall = { from: this.#turned, to: now };
    this.most = Math.max(this.most, stood - TURN_MS);
    this.#turned = now;
  }

  /** The earliest that what is seen at `now` can have happened. */
  since(now: number): number {
    if (now - this.#turned > STALL_MS) return this.#turned;
    return this.#stall && now - this.#stall.to < AFTER_STALL_MS ? this.#stall.from : now;
  }
}

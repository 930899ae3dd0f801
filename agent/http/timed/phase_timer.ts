import type { Clock } from "../../../runtime/clock.ts";
import type { Phases } from "../../../wire/message.ts";

/**
 * Times the phases of one hop: at each moment exactly one of them runs, so that they add up to the
 * hop's time, and one that failed has the time until it did.
 */
export class PhaseTimer {
  readonly phases: Phases = { dns: 0, connect: 0, tls: 0, firstByte: 0, download: 0 };
  readonly #start: number;
  #running: keyof Phases = "dns";
  #since: number;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = this.#since = clock.monotonic();
  }

  /** The running phase ends now, `phase` begins. */
  enter(phase: keyof Phases): void {
    this.stop();
    this.#running = phase;
  }

  /** Counts up to now; may be called again later, the latest call counts. */
  stop(): void {
    const now = this.#clock.monotonic();
    this.phases[this.#running] += now - this.#since;
    this.#since = now;
  }

  /** Milliseconds from the start to the last `enter` or `stop`. */
  get ms(): number {
    return this.#since - this.#start;
  }
}

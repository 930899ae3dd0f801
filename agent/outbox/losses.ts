import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { ThrottledReport } from "../throttled_report.ts";

/** Counts the results that were lost, and logs them now and then. */
export class Losses {
  total = 0;
  readonly #reports = new Map<string, ThrottledReport<null>>();
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiting: () => number;

  constructor(clock: Clock, log: Logger, waiting: () => number) {
    this.#clock = clock;
    this.#log = log;
    this.#waiting = waiting;
  }

  /** @param what Results they were, and how they came to be lost; from a small set */
  add(count: number, why: string, what = "that waited for the broker"): void {
    if (count === 0) return;
    this.total += count;
    const key = `${what} ${why}`;
    let report = this.#reports.get(key);
    if (!report) {
      report = new ThrottledReport(this.#clock, (count) =>
        this.#log.error(
          { count, why, waiting: this.#waiting(), dropped: this.total },
          `Dropped results ${what}, the oldest`,
        ));
      this.#reports.set(key, report);
    }
    report.add(count, null);
  }

  close(): void {
    for (const report of this.#reports.values()) report.close();
  }
}

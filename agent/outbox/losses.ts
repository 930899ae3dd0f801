import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { ThrottledReport } from "../throttled_report.ts";
import { type Applied, MAX_REFUSED } from "./protocol.ts";

/** Counts the results that were lost, and logs them now and then. */
export class Losses {
  #total = 0;
  #waited: ThrottledReport<string>;
  #refused: ThrottledReport<null>;

  constructor(clock: Clock, log: Logger, waiting: () => number) {
    this.#waited = new ThrottledReport(
      clock,
      (count, why) =>
        log.error(
          { count, why, waiting: waiting(), dropped: this.#total },
          "Dropped results that waited for the broker, the oldest",
        ),
    );
    this.#refused = new ThrottledReport(
      clock,
      (count) =>
        log.error(
          { count, dropped: this.#total },
          `Dropped results that the broker had refused, the oldest, past the ${MAX_REFUSED} that are kept`,
        ),
    );
  }

  get total(): number {
    return this.#total;
  }

  /** Results that waited for the broker. */
  add(count: number, why: string): void {
    if (count === 0) return;
    this.#total += count;
    this.#waited.add(count, why);
  }

  /** What the caps dropped in a transaction. */
  addCapped({ droppedByAge, droppedBySize, droppedRefused }: Applied): void {
    this.add(droppedByAge, "older than agent.outbox_max_age_hours");
    this.add(droppedBySize, "over agent.outbox_max_bytes");
    if (droppedRefused === 0) return;
    this.#total += droppedRefused;
    this.#refused.add(droppedRefused, null);
  }

  close(): void {
    this.#waited.close();
    this.#refused.close();
  }
}

import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { ThrottledReport } from "../throttled_report.ts";
import { type Applied, MAX_REFUSED } from "./protocol.ts";

/** Counts the results that were lost, and logs them now and then. */
export class Losses {
  #total = 0;
  #report: ThrottledReport<string>;

  constructor(clock: Clock, log: Logger, waiting: () => number) {
    this.#report = new ThrottledReport(
      clock,
      (count, why) =>
        log.error(
          { count, why, waiting: waiting(), dropped: this.#total },
          "Dropped results that waited for the broker, the oldest",
        ),
    );
  }

  get total(): number {
    return this.#total;
  }

  add(count: number, why: string): void {
    if (count === 0) return;
    this.#total += count;
    this.#report.add(count, why);
  }

  /** What the caps dropped in a transaction. */
  addCapped({ droppedByAge, droppedBySize, droppedRefused }: Applied): void {
    this.add(droppedByAge, "older than agent.outbox_max_age_hours");
    this.add(droppedBySize, "over agent.outbox_max_bytes");
    this.add(droppedRefused, `over ${MAX_REFUSED} that the broker refused`);
  }

  close(): void {
    this.#report.close();
  }
}

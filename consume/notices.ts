import type { Bounds } from "../kafka/cluster.ts";
import type { Logger } from "../runtime/log.ts";
import type { ConsumerStats } from "./stats.ts";

/**
 * What a partition's reader found not as it was left: counted, and logged at ERROR, which is what
 * the default loglevel shows.
 */
export class Notices {
  readonly #log: Logger;
  readonly #stats: ConsumerStats;

  constructor(log: Logger, stats: ConsumerStats) {
    this.#log = log;
    this.#stats = stats;
  }

  /** The stored offset is before the topic's start. */
  gap(stored: bigint, { low, high }: Bounds): void {
    const lost = low - stored;
    this.#stats.expiredUnread += Number(lost);
    this.#log.error(
      { stored: String(stored), low: String(low), high: String(high), lost: String(lost) },
      "The topic's retention deleted records before they were read; going on at its start",
    );
  }

  /** The first record stored of a partition was not its first one. */
  missedStart(low: bigint): void {
    this.#stats.expiredUnread += Number(low);
    this.#log.error(
      { low: String(low) },
      "The topic's retention deleted records before this database had any of the partition; " +
        "they are lost where no other database has them",
    );
  }

  /** The stored offset is past the topic's end. */
  pastEnd(stored: bigint, { low, high }: Bounds): void {
    this.#stats.topicsAnew++;
    this.#log.error(
      { stored: String(stored), low: String(low), high: String(high) },
      "The stored offset is past the end: the topic was made anew; reading it from its start",
    );
  }

  anotherRecord(stored: bigint): void {
    this.#stats.topicsAnew++;
    this.#log.error(
      { stored: String(stored) },
      "Another record stands at the last stored offset: the topic was made anew; reading it from its start",
    );
  }

  wentBack(expected: bigint, stored: bigint | null): void {
    this.#log.error(
      { expected: String(expected), stored: String(stored) },
      "The stored offset went back: the database is an older copy; reading the topic again from there",
    );
  }

  positionMoved(expected: bigint, found: bigint): void {
    this.#log.error(
      { expected: String(expected), found: String(found) },
      "The read position was moved, finding the place anew",
    );
  }
}

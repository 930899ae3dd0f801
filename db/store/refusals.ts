import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { BatchSource, IncomingRecord } from "./records.ts";

/** Time for a person to mend the database. */
const PATIENCE_MS = 600_000;
/** So often it is told meanwhile. */
const TELL_MS = 60_000;
/** Tries come ten seconds apart at most: after longer, the partition was elsewhere meanwhile. */
const PAUSE_MS = 120_000;

/** The database may be at fault: to be tried again as a whole. `code` is the SQLSTATE of its cause. */
export class RefusedError extends Error {
  readonly code: unknown;

  constructor(message: string, cause: Error) {
    super(message, { cause });
    this.code = (cause as { code?: unknown }).code;
  }
}

/** Results that the database refuses, all of a batch, again and again. */
interface Refusal {
  first: bigint;
  last: bigint;
  /** Of the monotonic clock. */
  since: number;
  /** When it was refused the last time. */
  lastAt: number;
  toldAt: number;
}

/**
 * Tells a result's fault from the database's. What the database refuses while it takes another result
 * of the same batch is at fault itself: the same statements stored both. Where it takes none, it may
 * be the database (a wrong CHECK, a trigger that raises), and the batch is tried again until it was
 * refused for ten minutes on end.
 *
 * Kept in memory: after a restart, or in the writer that has the partition next, they begin anew.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** By partition. */
  readonly #refusals = new Map<string, Refusal>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A batch of the partition is about to be tried: a refusal that nobody went on with has ended. */
  begin(key: string): void {
    const lastAt = this.#refusals.get(key)?.lastAt ?? Infinity;
    if (this.#clock.monotonic() - lastAt > PAUSE_MS) this.forget(key);
  }

  /**
   * Judges a batch of which some results failed; returns where they are to be set aside.
   *
   * @param results Those of the batch, at least one
   * @param errors Of those that failed
   * @throws {RefusedError} Where the database may be at fault
   */
  judge(
    key: string,
    { topic, partition }: BatchSource,
    results: readonly IncomingRecord[],
    errors: readonly Error[],
  ): void {
    if (errors.length < results.length) return;
    const now = this.#clock.monotonic();
    const refusal = this.#refusalOf(key, results[0]!.offset, results.at(-1)!.offset, now);
    const left = PATIENCE_MS - (now - refusal.since);
    if (left <= 0) return;
    const error = errors[0]!;
    if (now - refusal.toldAt >= TELL_MS) {
      refusal.toldAt = now;
      this.#log.error(
        {
          topic,
          partition,
          firstOffset: String(refusal.first),
          results: results.length,
          minutesLeft: Math.ceil(left / 60_000),
          error,
        },
        "The database refuses every result of a batch; set aside unless it is mended in time",
      );
    }
    throw new RefusedError(
      results.length === 1
        ? error.message
        : `None of ${results.length} results can be stored, so the database may be at fault: ` +
          error.message,
      error,
    );
  }

  /** A batch of the partition was stored, or failed by something else. */
  forget(key: string): void {
    this.#refusals.delete(key);
  }

  #refusalOf(key: string, first: bigint, last: bigint, now: number): Refusal {
    const known = this.#refusals.get(key);
    if (known?.first === first && known.last === last) {
      known.lastAt = now;
      return known;
    }
    const refusal = { first, last, since: now, lastAt: now, toldAt: -Infinity };
    this.#refusals.set(key, refusal);
    return refusal;
  }
}

import type { Worker } from "node:worker_threads";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { startWorker } from "../../runtime/worker.ts";
import { ThrottledReport } from "../throttled_report.ts";
import { MAX_IN_MEMORY, MAX_INSERTS_FAILING, Pending } from "./pending.ts";
import type { Applied, Change, Row, StoreOptions } from "./protocol.ts";
import { Reader } from "./reader.ts";
import { OutboxError, OutboxThread } from "./thread.ts";

export interface OutboxOptions extends StoreOptions {
  clock: Clock;
  log: Logger;
  /** Starts a thread that runs worker.ts. */
  startThread?: () => Worker;
}

/** A result is on disk within 100 ms: this, and 25 ms for a transaction (2-12 ms at p99). */
const COMMIT_WITHIN_MS = 75;

/** Without new results, what was acknowledged leaves the disk within this. */
const DELETE_WITHIN_MS = 1_000;

/** How soon a failed write is tried again. */
const RETRY_MS = 1_000;

/** Why results are lost that never were on disk. */
const UNWRITTEN = "the disk cannot be written";

/** How long `close` waits for a disk that does not answer. */
const CLOSE_WITHIN_MS = 5_000;

/**
 * Where results wait on disk until the broker has them. `add` takes a result at once and never
 * fails; one transaction every 75 ms at the most writes what was added and deletes what was
 * acknowledged, on a thread of its own.
 *
 * When writing fails (a full disk, for one), up to 10,000 results wait in memory, writing is tried
 * again each second, and results past that are lost, oldest first, counted and logged.
 */
export class Outbox {
  #options: OutboxOptions;
  #clock: Clock;
  #log: Logger;
  #thread!: OutboxThread;
  #reader: Reader;
  #reopen = false;

  #pending = new Pending();
  /** When the oldest row that is pending was added. */
  #oldestAt = 0;
  #meta: Record<string, string> = {};
  #commit: Promise<boolean> | null = null;
  #cancelTimer: (() => void) | null = null;
  #timerAt = Infinity;
  #failingSince: number | null = null;
  #closed = false;

  #nextId = 1;
  #depth = 0;
  /** Of the rows on disk, as of the last transaction. */
  #oldest: number | null = null;
  #dropped = 0;
  #droppedReport: ThrottledReport<string>;

  private constructor(options: OutboxOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#reader = new Reader(
      (after, limit, maxBytes) => this.#thread.call({ type: "read", after, limit, maxBytes }),
      (error) => this.#onFailure(error),
    );
    this.#droppedReport = new ThrottledReport(options.clock, (count, why) =>
      this.#log.error(
        { count, why, waiting: this.waiting, dropped: this.#dropped },
        "Dropped results that waited for the broker, the oldest",
      ));
  }

  /** @throws {OutboxError} Where the file cannot be opened, or (kind "locked") is held by another */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(options);
    try {
      await outbox.#open();
    } catch (error) {
      await outbox.#thread.end();
      throw error;
    }
    return outbox;
  }

  /** Named values as of the last transaction; `keep` sets them. */
  get meta(): Readonly<Record<string, string>> {
    return this.#meta;
  }

  /** Results that the broker has not acknowledged, on disk or in memory. */
  get waiting(): number {
    return Math.max(0, this.#depth + this.#pending.growth);
  }

  /**
   * When the oldest of the results that wait was added, milliseconds since 1970; null where none does.
   * What was acknowledged in the last second may still count.
   */
  get oldestAt(): number | null {
    if (this.waiting === 0) return null;
    const inMemory = this.#pending.oldest;
    if (this.#oldest === null || inMemory === null) return this.#oldest ?? inMemory;
    return Math.min(this.#oldest, inMemory);
  }

  /** Whether the last write failed; then results wait in memory. */
  get failing(): boolean {
    return this.#failingSince !== null;
  }

  /** Results lost to the caps or to a disk that could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a result; it is on disk within 100 ms if the disk lets it. */
  add(message: { key: string; value: string }): void {
    if (this.#pending.inserts === 0) this.#oldestAt = this.#clock.monotonic();
    const { key, value } = message;
    const row = { id: this.#nextId++, key, value, created: this.#clock.now() };
    this.#drop(this.#pending.insert(row), UNWRITTEN);
    if (this.#failingSince === null) this.#commitWithin(COMMIT_WITHIN_MS);
  }

  /** Sets named values, written in the same transaction as the results added before and next. */
  keep(values: Readonly<Record<string, string>>): void {
    this.#meta = { ...this.#meta, ...values };
  }

  /**
   * The next rows in order, each given once; waits for there to be any. For one reader.
   *
   * @param maxBytes Of keys and values; a larger row comes alone
   * @returns None when `signal` aborts and all are read
   */
  next(limit: number, maxBytes: number, signal: AbortSignal): Promise<Row[]> {
    return this.#reader.next(limit, maxBytes, signal);
  }

  /** The broker acknowledged these. */
  remove(ids: readonly number[]): void {
    this.#pending.delete(ids);
    this.#commitWithin(DELETE_WITHIN_MS);
  }

  /** The broker refuses this one for good: it is set aside in the `refused` table. */
  refuse(id: number, reason: string): void {
    this.#pending.refuse(id, reason);
    this.#commitWithin(DELETE_WITHIN_MS);
  }

  /** Writes all that is pending now. @returns Whether that worked */
  async flush(): Promise<boolean> {
    await this.#commit;
    while (!this.#pending.empty) {
      if (!await this.#commitNow()) return false;
    }
    return true;
  }

  /** Writes what it can, and lets go of the file. */
  async close(): Promise<void> {
    let cancel = () => {};
    const hung = new Promise<false>((resolve) => {
      cancel = this.#clock.after(CLOSE_WITHIN_MS, () => resolve(false));
    });
    await Promise.race([hung, this.flush()]);
    this.#closed = true;
    this.#cancelTimer?.();
    this.#drop(this.#pending.abandon(), UNWRITTEN);
    await Promise.race([hung, this.#thread.call({ type: "close" }).catch(() => {})]);
    cancel();
    await this.#thread.end();
    this.#droppedReport.close();
  }

  async #open(): Promise<void> {
    if (!this.#thread || this.#thread.dead) {
      if (this.#thread) this.#log.error({}, "The outbox's thread ended; another takes its place");
      const start = this.#options.startThread ?? (() => startWorker("outbox"));
      this.#thread = new OutboxThread(start());
    }
    const { path, maxBytes, maxAgeMs, maxPages } = this.#options;
    const options = { path, maxBytes, maxAgeMs, maxPages };
    const opened = await this.#thread.call({ type: "open", options });
    this.#reopen = false;
    this.#nextId = Math.max(this.#nextId, opened.lastId + 1);
    this.#reader.storedThrough(opened.lastId);
    this.#depth = opened.depth;
    this.#oldest = opened.oldest;
    this.#meta = { ...opened.meta, ...this.#meta };
    if (opened.damaged) {
      this.#log.error(
        opened.damaged,
        "The outbox was damaged; it was moved aside with the results in it, and a new one made",
      );
    }
  }

  #commitWithin(ms: number): void {
    if (this.#closed || this.#commit) return; // A commit's end looks at what is pending.
    const at = this.#clock.monotonic() + ms;
    if (this.#cancelTimer && this.#timerAt <= at) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = this.#clock.after(ms, () => void this.#commitNow());
  }

  #commitNow(): Promise<boolean> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#commit ??= this.#commitOnce().then((done) => {
      this.#commit = null;
      this.#scheduleRest(done);
      return done;
    });
    return this.#commit;
  }

  #scheduleRest(done: boolean): void {
    if (this.#failingSince !== null) this.#commitWithin(done ? 0 : RETRY_MS);
    else if (this.#pending.inserts > 0) {
      const waited = this.#clock.monotonic() - this.#oldestAt;
      this.#commitWithin(Math.max(0, COMMIT_WITHIN_MS - waited));
    } else if (!this.#pending.empty) this.#commitWithin(DELETE_WITHIN_MS);
  }

  async #commitOnce(): Promise<boolean> {
    if (this.#closed) return false;
    const change: Change = {
      ...this.#pending.take(this.#failingSince !== null),
      meta: this.#meta,
      keepThrough: Math.min(this.#reader.givenThrough, Number.MAX_SAFE_INTEGER),
      now: this.#clock.now(),
    };
    try {
      if (this.#reopen || this.#thread.dead) await this.#open();
      this.#onApplied(change, await this.#thread.call({ type: "apply", change }));
      return true;
    } catch (error) {
      this.#drop(this.#pending.putBack(), UNWRITTEN);
      this.#onFailure(error);
      return false;
    }
  }

  #onApplied(change: Change, applied: Applied): void {
    this.#pending.done();
    this.#depth = applied.depth;
    this.#oldest = applied.oldest;
    this.#drop(applied.droppedByAge, "older than agent.outbox_max_age_hours");
    this.#drop(applied.droppedBySize, "over agent.outbox_max_bytes");
    this.#reader.storedThrough(change.inserts.at(-1)?.id ?? 0);
    if (this.#failingSince !== null && this.#pending.inserts < MAX_INSERTS_FAILING) {
      const seconds = Math.round((this.#clock.monotonic() - this.#failingSince) / 1_000);
      this.#failingSince = null;
      this.#log.info({ seconds, waiting: this.waiting }, "The outbox can be written again");
    }
  }

  #onFailure(error: unknown): void {
    const failure = error instanceof OutboxError
      ? error
      : new OutboxError({ kind: "other", message: String(error) });
    // A full disk says nothing against the open file; anything else may be cured by opening it anew.
    if (failure.kind !== "full") this.#reopen = true;
    if (this.#failingSince === null) {
      this.#failingSince = this.#clock.monotonic();
      this.#log.error(
        { error: failure.message, waiting: this.waiting },
        `Cannot write to the outbox; up to ${MAX_IN_MEMORY} results wait in memory`,
      );
    }
    this.#commitWithin(RETRY_MS);
  }

  #drop(count: number, why: string): void {
    if (count === 0) return;
    this.#dropped += count;
    this.#droppedReport.add(count, why);
  }
}

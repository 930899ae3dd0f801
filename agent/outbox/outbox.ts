import type { Worker } from "node:worker_threads";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { startWorker } from "../../runtime/worker.ts";
import { AgeClock } from "./age.ts";
import { DiskState } from "./disk_state.ts";
import { Losses } from "./losses.ts";
import { MAX_INSERTS_FAILING, Pending } from "./pending.ts";
import type { Applied, Change, Opened, Row, StoreOptions } from "./protocol.ts";
import { Reader } from "./reader.ts";
import { OutboxError, OutboxThread } from "./thread.ts";

export interface OutboxOptions extends StoreOptions {
  maxAgeMs: number;
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
 * When writing fails (a full disk, for one), up to 10,000 results wait in memory and are given out
 * from there, after those on disk or, where these cannot be read, before them. Writing is tried again
 * each second. Results past that are lost, oldest first, counted and logged.
 */
export class Outbox {
  #options: OutboxOptions;
  #clock: Clock;
  #log: Logger;
  #thread!: OutboxThread;
  #reader: Reader;
  #age!: AgeClock;
  #disk: DiskState;

  #pending = new Pending();
  /** When the oldest row that is pending was added. */
  #oldestAt = 0;
  #meta: Record<string, string> = {};
  #commit: Promise<boolean> | null = null;
  #cancelTimer: (() => void) | null = null;
  #timerAt = Infinity;
  #closed = false;

  #nextId = 1;
  #depth = 0;
  /** Of the rows on disk, as of the last transaction. */
  #oldest: number | null = null;
  #losses: Losses;

  private constructor(options: OutboxOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#reader = new Reader(
      (after, limit, maxBytes) => this.#thread.call({ type: "read", after, limit, maxBytes }),
      (after, limit, maxBytes) => this.#giveUnwritten(after, limit, maxBytes),
      (error) => this.#onFailure(error),
    );
    const waiting = () => this.waiting;
    this.#disk = new DiskState(options.clock, options.log, waiting);
    this.#losses = new Losses(options.clock, options.log, waiting);
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
    const times = [this.#oldest, this.#pending.oldest].filter((time) => time !== null);
    return times.length > 0 ? Math.min(...times) + this.#age.steps : null;
  }

  /** Whether the last write failed; then results wait in memory. */
  get failing(): boolean {
    return this.#disk.failing;
  }

  /** Results lost to the caps or to a disk that could not be written. */
  get dropped(): number {
    return this.#losses.total;
  }

  /** Takes a result; it is on disk within 100 ms if the disk lets it. */
  add(message: { key: string; value: string }): void {
    if (this.#pending.inserts === 0) this.#oldestAt = this.#clock.monotonic();
    const { key, value } = message;
    const row = { id: this.#nextId++, key, value, created: this.#age.now() };
    this.#losses.add(this.#pending.insert(row), UNWRITTEN);
    if (this.#disk.lastFailed) this.#reader.unwrittenChanged();
    else this.#commitWithin(COMMIT_WITHIN_MS);
  }

  /** Sets named values, written in the same transaction as the results added before and next. */
  keep(values: Readonly<Record<string, string>>): void {
    this.#meta = { ...this.#meta, ...values };
  }

  /**
   * The next rows, each given once and in order, save where the disk can be neither read nor written;
   * waits for there to be any. For one reader.
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
    this.#losses.add(this.#pending.abandon(), UNWRITTEN);
    await Promise.race([hung, this.#thread.call({ type: "close" }).catch(() => {})]);
    cancel();
    await this.#thread.end();
    this.#losses.close();
  }

  async #open(): Promise<void> {
    if (!this.#thread || this.#thread.dead) {
      if (this.#thread) this.#log.error({}, "The outbox's thread ended; another takes its place");
      const start = this.#options.startThread ?? (() => startWorker("outbox"));
      this.#thread = new OutboxThread(start());
    }
    const { path, maxBytes, maxPages } = this.#options;
    const options = { path, maxBytes, maxPages };
    const { damage } = this.#disk;
    this.#onOpened(await this.#thread.call({ type: "open", options, damage }));
  }

  #onOpened(opened: Opened): void {
    this.#disk.opened(opened.damaged);
    this.#age ??= new AgeClock(this.#clock, opened.meta, opened.newest);
    this.#pending.settle(opened.lastId);
    this.#nextId = Math.max(this.#nextId, opened.lastId + 1);
    this.#reader.storedThrough(opened.lastId);
    const known = this.#depth;
    this.#depth = opened.depth;
    this.#oldest = opened.oldest;
    this.#meta = { ...opened.meta, ...this.#meta };
    if (opened.damaged) {
      this.#losses.add(Math.max(0, known - opened.depth), "the outbox was damaged");
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
    if (!done) this.#commitWithin(RETRY_MS);
    else if (this.#disk.failing && !this.#pending.empty) this.#commitWithin(0);
    else if (this.#pending.inserts > 0) {
      const waited = this.#clock.monotonic() - this.#oldestAt;
      this.#commitWithin(Math.max(0, COMMIT_WITHIN_MS - waited));
    } else if (!this.#pending.empty) this.#commitWithin(DELETE_WITHIN_MS);
  }

  async #commitOnce(): Promise<boolean> {
    if (this.#closed) return false;
    let doubtful = false;
    try {
      if (this.#disk.reopen || this.#thread.dead) await this.#open();
      doubtful = true;
      const change = this.#takeChange();
      this.#onApplied(change, await this.#thread.call({ type: "apply", change }));
      return true;
    } catch (error) {
      const full = error instanceof OutboxError && error.kind === "full";
      this.#losses.add(this.#pending.putBack(doubtful && !full), UNWRITTEN);
      this.#onFailure(error);
      return false;
    }
  }

  #takeChange(): Change {
    return {
      ...this.#pending.take(this.#disk.failing),
      meta: { ...this.#meta, ...this.#age.toMeta() },
      keepThrough: Math.min(this.#reader.givenThrough, Number.MAX_SAFE_INTEGER),
      now: this.#clock.now(),
      expireBefore: this.#age.now() - this.#options.maxAgeMs,
    };
  }

  /** While nothing can be written, what waits in memory, in order. */
  async #giveUnwritten(after: number, limit: number, maxBytes: number): Promise<Row[]> {
    // What is under way comes first.
    while (this.#disk.lastFailed && this.#commit) await this.#commit;
    return this.#disk.lastFailed ? this.#pending.give(after, limit, maxBytes) : [];
  }

  #onApplied(change: Change, applied: Applied): void {
    this.#pending.done();
    this.#depth = applied.depth;
    this.#oldest = applied.oldest;
    this.#losses.addCapped(applied);
    const { inserts, deletes, refusals } = change;
    const wrote = inserts.length + deletes.length + refusals.length > 0;
    this.#disk.applied(wrote && this.#pending.inserts < MAX_INSERTS_FAILING);
    this.#reader.storedThrough(inserts.at(-1)?.id ?? 0);
  }

  #onFailure(error: unknown): void {
    this.#disk.failed(error);
    this.#commitWithin(RETRY_MS);
    this.#reader.unwrittenChanged();
  }
}

import type { Worker } from "node:worker_threads";
import { orAborted, within } from "../../runtime/abort.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { startWorker, Thread, ThreadError } from "../../runtime/thread.ts";
import { Losses } from "./losses.ts";
import { MAX_UNWRITTEN, Memory } from "./memory.ts";
import type { FileOptions } from "./open_file.ts";
import type { OutboxHandlers } from "./outbox_thread.ts";
import {
  type Applied,
  type Change,
  type IdRange,
  MAX_REFUSED,
  type Opened,
  type RefusedRow,
  type Row,
} from "./store.ts";

export interface OutboxOptions extends FileOptions {
  maxAgeMs: number;
  clock: Clock;
  log: Logger;
  /** Starts a thread that runs outbox_thread.ts. */
  startThread?: () => Worker;
}

/** A result is on disk within 100 ms: this, and 40 ms for a transaction (1 ms, 13 ms at p99). */
const COMMIT_WITHIN_MS = 60;

/** Without new results, what was acknowledged leaves the disk within this. */
const DELETE_WITHIN_MS = 1_000;

/** How soon a failed write is tried again. */
const RETRY_MS = 1_000;

/** Rows and refused ones in one message to the thread; it costs the event loop 1 us a row. */
const MAX_ROWS = 1_000;

/** How long `close` waits for a disk that does not answer. */
const CLOSE_WITHIN_MS = 5_000;

const UNWRITTEN = "the disk cannot be written";

/**
 * Where results wait on disk until the broker has them. `add` takes a result at once and never fails;
 * one transaction every 60 ms at the most writes what was added and deletes what was acknowledged, on
 * a thread of its own. `next` gives a result when it is on disk.
 *
 * When writing fails (a full disk, for one), up to 10,000 results wait in memory and are given out
 * from there, after those on disk or, where these cannot be read, before them. Writing is tried again
 * each second. Results past that are lost, oldest first, counted and logged.
 *
 * In doubt a result is written again, deleted again or sent again: the file knows a row by its id, and
 * the table a result by its identity.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #losses: Losses;
  readonly #memory = new Memory();
  #thread!: Thread<OutboxHandlers>;
  /** The thread is asked one thing at a time. */
  #queue: Promise<unknown> = Promise.resolve();
  #woken = Promise.withResolvers<void>();
  #cancelTimer: (() => void) | null = null;
  #commitAt = Infinity;
  #closed = false;

  #meta: Record<string, string> = {};
  /** What to add to the monotonic clock for the time as results age. */
  #ageOffset: number | null = null;
  #nextId = 1;
  #waiting = 0;
  /** Of the file, as of the last transaction. */
  #depth = 0;
  #oldest: number | null = null;

  /** Rows on disk after an id, and up to another, that are to be read back. */
  #unread = { after: 0, through: 0 };
  #readable = true;
  /** Rows up to this id may be on their way to the broker. */
  #given = 0;
  /** Rows up to this id are being written. */
  #underWay = 0;
  /** Acknowledged or set aside: to be deleted. */
  #done: IdRange[] = [];
  #refused: RefusedRow[] = [];

  #failingSince: number | null = null;
  #reopen = false;
  /** How the file was found damaged. */
  #damage: string | null = null;

  private constructor(options: OutboxOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#losses = new Losses(options.clock, options.log, () => this.waiting);
  }

  /** @throws {ThreadError} Where the file cannot be opened, or (kind "locked") is held by another */
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
    return this.#waiting;
  }

  /**
   * When the oldest of the results that wait was added, milliseconds since 1970; null where none does.
   * What was acknowledged in the last second may still count.
   */
  get oldestAt(): number | null {
    const oldest = this.#oldest ?? this.#memory.unwritten[0]?.created;
    if (this.#waiting === 0 || oldest === undefined) return null;
    return this.#clock.now() - (this.#age() - oldest);
  }

  /** Whether the last write failed; then results wait in memory. */
  get failing(): boolean {
    return this.#failingSince !== null;
  }

  /** Results lost to the caps, to damage or to a disk that could not be written. */
  get dropped(): number {
    return this.#losses.total;
  }

  /** Takes a result; it is on disk within 100 ms if the disk lets it. */
  add({ key, value }: { key: string; value: string }): void {
    const row = { id: this.#nextId++, key, value, created: this.#age() };
    this.#waiting++;
    this.#lose(this.#memory.add(row, this.#underWay), UNWRITTEN);
    this.#commitWithin(this.failing ? RETRY_MS : COMMIT_WITHIN_MS);
    if (this.failing) this.#wake();
  }

  /** Sets named values, written in the same transaction as the results added before and next. */
  keep(values: Readonly<Record<string, string>>): void {
    this.#meta = { ...this.#meta, ...values };
  }

  /**
   * The next rows, each given once and in order, save where the disk fails; waits for there to be any.
   * For one reader.
   *
   * @param maxBytes Of keys and values; a larger row comes alone
   * @returns None when `signal` aborts and all are given, or cannot be read
   */
  async next(limit: number, maxBytes: number, signal: AbortSignal): Promise<Row[]> {
    while (true) {
      const woken = this.#woken.promise;
      const rows = await this.#inTurn(() => this.#take(limit, maxBytes));
      if (rows.length > 0 || signal.aborted) return rows;
      await orAborted(woken, signal);
    }
  }

  /** The broker acknowledged these. */
  remove(ids: readonly number[]): void {
    this.#memory.remove(ids);
    for (const id of ids) addRange(this.#done, [id, id]);
    this.#settle(ids.length);
  }

  /** The broker refuses this one for good: it is set aside in the `refused` table. */
  refuse({ id, key, value }: Row, reason: string): void {
    this.#memory.remove([id]);
    this.#refused.push({ id, key, value, reason, at: this.#clock.now() });
    this.#settle(1);
    if (this.#refused.length > MAX_REFUSED) {
      addRange(this.#done, [this.#refused[0]!.id, this.#refused[0]!.id]);
      this.#refused.shift();
      this.#loseRefused(1);
    }
  }

  /** Writes all that is pending now. @returns Whether that worked */
  async flush(): Promise<boolean> {
    while (this.#pending) {
      if (!await this.#commit()) return false;
    }
    return true;
  }

  /** Writes what it can, and lets go of the file. */
  async close(): Promise<void> {
    await within(this.#clock, CLOSE_WITHIN_MS, this.flush());
    this.#closed = true;
    this.#cancelTimer?.();
    const closing = this.#thread.call("close", undefined).catch(() => {});
    await within(this.#clock, CLOSE_WITHIN_MS, closing);
    await this.#thread.end();
    this.#lose(this.#memory.unwritten.length, UNWRITTEN);
    this.#losses.close();
  }

  /** Now, as results age: setting the wall clock makes none older. */
  #age(): number {
    return Math.round(this.#ageOffset! + this.#clock.monotonic());
  }

  get #pending(): boolean {
    return this.#memory.unwritten.length + this.#done.length + this.#refused.length > 0;
  }

  async #open(): Promise<void> {
    if (!this.#thread || this.#thread.dead) {
      if (this.#thread) this.#log.error({}, "The outbox's thread ended; another takes its place");
      const start = this.#options.startThread ?? (() => startWorker("outbox"));
      this.#thread = new Thread(start(), "keeps the outbox");
    }
    const { path, maxBytes, maxPages } = this.#options;
    const now = this.#clock.now();
    const damage = this.#damage;
    this.#onOpened(await this.#thread.call("open", { path, maxBytes, maxPages, now, damage }));
  }

  #onOpened({ lastId, depth, oldest, age, meta, damaged, short }: Opened): void {
    const first = this.#ageOffset === null;
    this.#ageOffset ??= age - this.#clock.monotonic();
    this.#nextId = Math.max(this.#nextId, lastId + 1);
    this.#meta = { ...meta, ...this.#meta };
    this.#oldest = oldest;
    if (first) this.#waiting = depth;
    if (first || damaged) this.#unread = { after: 0, through: lastId };
    if (damaged) {
      this.#log.error(
        { ...damaged, rescued: depth },
        "The outbox was damaged; it was moved aside, and a new one made with what could be read",
      );
      this.#lose(Math.max(0, this.#depth - depth), "the outbox was damaged");
    }
    if (first && short) {
      this.#log.error(
        { freeBytes: short.free, wantedBytes: short.wanted },
        "The disk has less room than the outbox may take; free some, or lower " +
          '"agent.outbox_max_bytes": when it is full, results are lost',
      );
    }
    this.#depth = depth;
    this.#reopen = false;
    this.#damage = null;
    this.#readable = true;
  }

  async #take(limit: number, maxBytes: number): Promise<Row[]> {
    let rows: Row[] = [];
    while (rows.length === 0 && this.#readable && this.#unread.after < this.#unread.through) {
      try {
        const { after, through } = this.#unread;
        rows = await this.#thread.call("read", { after, through, limit, maxBytes });
        // Rows that a cap dropped are not there.
        this.#unread.after = rows.at(-1)?.id ?? through;
      } catch (error) {
        this.#readable = false;
        this.#onFailure(error);
      }
    }
    if (rows.length === 0) rows = this.#memory.give(limit, maxBytes, this.failing);
    this.#given = rows.at(-1)?.id ?? this.#given;
    return rows;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #commitWithin(ms: number): void {
    const at = this.#clock.monotonic() + ms;
    if (this.#closed || at >= this.#commitAt) return;
    this.#cancelTimer?.();
    this.#commitAt = at;
    this.#cancelTimer = this.#clock.after(ms, () => void this.#commit());
  }

  /** @returns Whether all went well; there may be more to do */
  #commit(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#closed) return false;
      this.#cancelTimer?.();
      this.#commitAt = Infinity;
      let done: IdRange[] = [];
      try {
        if (this.#reopen || this.#thread.dead) await this.#open();
        done = this.#done;
        this.#done = [];
        const change = this.#change(done);
        this.#underWay = change.rows.at(-1)?.id ?? 0;
        const applied = await this.#thread.call("apply", change);
        if (applied.doneAll) done = [];
        return this.#onApplied(change, applied);
      } catch (error) {
        this.#onFailure(error);
        return false;
      } finally {
        this.#underWay = 0;
        for (const range of this.#done) addRange(done, range);
        this.#done = done;
        this.#wake();
      }
    });
  }

  #change(done: readonly IdRange[]): Change {
    return {
      rows: this.#memory.unwritten.slice(0, MAX_ROWS),
      refused: this.#refused.slice(0, MAX_ROWS),
      done,
      meta: this.#meta,
      keepThrough: this.#given,
      now: this.#clock.now(),
      age: this.#age(),
      maxAgeMs: this.#options.maxAgeMs,
    };
  }

  #onApplied({ rows, refused }: Change, applied: Applied): boolean {
    const { depth, oldest, dropped, full } = applied;
    // What a cap dropped must not be given from memory.
    const keep = dropped.byAge + dropped.bySize === 0;
    const unread = this.#memory.wrote(rows[applied.rows - 1]?.id ?? 0, keep);
    if (unread) {
      const [first, last] = unread;
      const { after, through } = this.#unread;
      this.#unread = { after: after < through ? after : first - 1, through: last };
    }
    const setAside = new Set(refused.slice(0, applied.refused));
    this.#refused = this.#refused.filter((row) => !setAside.has(row));
    for (const { id } of setAside) addRange(this.#done, [id, id]);
    this.#lose(dropped.byAge, "older than agent.outbox_max_age_hours");
    this.#lose(dropped.bySize, "over agent.outbox_max_bytes");
    this.#loseRefused(dropped.refused);
    this.#depth = depth;
    this.#oldest = oldest;
    // What was acknowledged is counted off before it is deleted.
    if (applied.doneAll && this.#done.length + this.#refused.length === 0) {
      this.#waiting = depth + this.#memory.unwritten.length;
    }
    this.#readable = true;
    if (full !== null) this.#onFailure(new ThreadError(full, "full"));
    else if (applied.rows + applied.deleted > 0) this.#onWritten();
    if (applied.more || rows.length === MAX_ROWS || this.#done.length > 0) this.#commitWithin(0);
    return full === null;
  }

  #onWritten(): void {
    if (this.#failingSince === null) return;
    const seconds = Math.round((this.#clock.monotonic() - this.#failingSince) / 1_000);
    this.#failingSince = null;
    this.#log.info({ seconds, waiting: this.#waiting }, "The outbox can be written again");
  }

  #onFailure(error: unknown): void {
    const { message, kind = null } = error as ThreadError;
    // A full disk says nothing against the open file; anything else may be cured by opening it anew.
    if (kind !== "full") this.#reopen = true;
    if (kind === "damaged") this.#damage = message;
    this.#commitWithin(RETRY_MS);
    if (this.#failingSince !== null) return;
    this.#failingSince = this.#clock.monotonic();
    this.#log.error(
      { error: message, waiting: this.#waiting },
      `Cannot write to the outbox; up to ${MAX_UNWRITTEN} results wait in memory`,
    );
  }

  /** `count` results were acknowledged or set aside. */
  #settle(count: number): void {
    this.#waiting = Math.max(0, this.#waiting - count);
    this.#commitWithin(DELETE_WITHIN_MS);
  }

  #lose(count: number, why: string): void {
    this.#waiting = Math.max(0, this.#waiting - count);
    this.#losses.add(count, why);
  }

  #loseRefused(count: number): void {
    const why = `over ${MAX_REFUSED} of them, or over agent.outbox_max_bytes`;
    this.#losses.add(count, why, "that the broker had refused");
  }

  #wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }
}

function addRange(ranges: IdRange[], [from, to]: IdRange): void {
  const last = ranges.at(-1);
  if (last && last[1] + 1 === from) last[1] = to;
  else ranges.push([from, to]);
}

import { dirname } from "node:path";
import type { Worker } from "node:worker_threads";
import { orAborted, within } from "../../runtime/abort.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { Spell } from "../../runtime/log/spell.ts";
import { startWorker, Thread, ThreadError } from "../../runtime/thread/thread.ts";
import { ThrottledReport } from "../throttled_report.ts";
import type { FileOptions } from "./open_file.ts";
import type { OutboxHandlers } from "./outbox_thread.ts";
import { fitting } from "./sizes.ts";
import { type Applied, MAX_REFUSED, type NewRow, type Row } from "./store.ts";

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

/** In one message to the thread; each costs the event loop 1 us. */
const MAX_ROWS = 1_000;

/** Rows on disk that are kept in memory as well until they are given out: nobody need read them. */
const MAX_READY = 2_000;

/** Results that wait in memory while they cannot be written; past it the oldest are lost. */
const MAX_UNWRITTEN = 10_000;

/** How long `close` waits for a disk that does not answer. */
const CLOSE_WITHIN_MS = 5_000;

/** Why results are lost. */
const UNWRITTEN = "the disk cannot be written";
const REFUSED = `refused by the broker, and over ${MAX_REFUSED} or over agent.outbox_max_bytes`;

/**
 * Where results wait on disk until the broker has them. `add` takes a result at once and never fails;
 * every 60 ms at the most, what was added is written and what was acknowledged deleted, in one go, on
 * a thread of its own. `next` gives a result when it is on disk.
 *
 * When writing fails (a full disk, for one), up to 10,000 results wait in memory and are given out
 * from there, after those on disk or, where these cannot be read, before them. Writing is tried again
 * each second. Results past that are lost, oldest first, counted and logged.
 *
 * In doubt a result is written, deleted or sent again: the file knows a row by its id, and the table a
 * result by its identity. What is acknowledged is so in the order in which it was given out, so that
 * one id tells how far that is.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #losses: ThrottledReport<string>;
  #thread!: Thread<OutboxHandlers>;
  /** The thread is asked one thing at a time. */
  #queue: Promise<unknown> = Promise.resolve();
  #woken = Promise.withResolvers<void>();
  #cancelTimer: (() => void) | null = null;
  #commitAt = Infinity;
  #closed = false;
  /** While nothing can be written. */
  readonly #spell: Spell;
  /** How the last request failed; null where it did not. */
  #failure: ThreadError | null = null;

  #meta: Record<string, string> = {};
  /** What to add to the monotonic clock for the time as results age. */
  #ageOffset: number | null = null;
  #nextId = 1;
  #dropped = 0;
  /** The file, as of the last transaction. */
  #file: Pick<Applied, "depth" | "oldest"> = { depth: 0, oldest: null };

  /** In order, those that are not known to be on disk. */
  #unwritten: NewRow[] = [];
  /** Rows on disk that were not given out, in order; none while there may be more, to be read. */
  #ready: NewRow[] = [];
  #hasUnread = true;
  /** Rows up to this id were given out, and may be on their way to the broker. */
  #given = 0;
  /** The broker has no need of rows on disk up to this id, so many of which are counted in the file. */
  #doneThrough = 0;
  #done = 0;
  /** To be set aside. */
  #refused: NewRow[] = [];

  private constructor(options: OutboxOptions) {
    const { clock, log } = this.#options = options;
    this.#spell = new Spell(clock);
    this.#losses = new ThrottledReport(clock, (count, why) => {
      const fields = { count, why, waiting: this.waiting, dropped: this.#dropped };
      log.error(fields, "Dropped results, the oldest");
    });
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
    return Math.max(0, this.#file.depth - this.#done) + this.#unwritten.length;
  }

  /**
   * When the oldest of the results that wait was added, milliseconds since 1970; null where none does.
   * What was acknowledged in the last second may still count.
   */
  get oldestAt(): number | null {
    const oldest = this.#file.oldest ?? this.#unwritten[0]?.created;
    if (this.waiting === 0 || oldest === undefined) return null;
    return this.#options.clock.now() - (this.#age() - oldest);
  }

  /** Whether the last write failed; then results wait in memory. */
  get failing(): boolean {
    return this.#spell.isOn;
  }

  /** Results lost to the caps, to damage or to a disk that could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a result; it is on disk within 100 ms if the disk lets it. */
  add({ key, value }: Pick<Row, "key" | "value">): void {
    this.#unwritten.push({ id: this.#nextId++, key, value, created: this.#age() });
    if (this.#unwritten.length > MAX_UNWRITTEN) {
      // Not one that may be on its way.
      const first = this.#unwritten.findIndex(({ id }) => id > this.#given);
      this.#unwritten.splice(Math.max(0, first), 1);
      this.#lose(1, UNWRITTEN);
    }
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

  /** The broker acknowledged these, in the order in which they were given out. */
  remove(ids: readonly number[]): void {
    const before = this.#unwritten.length;
    const gone = new Set(ids);
    this.#unwritten = this.#unwritten.filter(({ id }) => !gone.has(id));
    const last = ids.at(-1) ?? 0;
    // The disk cannot be read, or could not when these were given: what is there is sent again.
    if (!readable(this.#failure) || last > this.#given) return;
    this.#doneThrough = Math.max(this.#doneThrough, last);
    this.#done += ids.length - (before - this.#unwritten.length);
    this.#commitWithin(DELETE_WITHIN_MS);
  }

  /** The broker refuses this one for good: it is set aside in the `refused` table. */
  refuse(row: Row, reason: string): void {
    this.remove([row.id]);
    if (this.#refused.length === MAX_REFUSED) return this.#lose(1, REFUSED);
    this.#refused.push({ ...row, created: this.#age(), reason });
  }

  /** Writes all that is pending now. @returns Whether that worked */
  async flush(): Promise<boolean> {
    while (this.#unwritten.length + this.#done + this.#refused.length > 0) {
      if (!await this.#commit()) return false;
    }
    return true;
  }

  /** Writes what it can, and lets go of the file. */
  async close(): Promise<void> {
    await within(this.#options.clock, CLOSE_WITHIN_MS, this.flush());
    this.#closed = true;
    this.#cancelTimer?.();
    const closing = this.#thread.call("close", undefined).catch(() => {});
    await within(this.#options.clock, CLOSE_WITHIN_MS, closing);
    await this.#thread.end();
    this.#lose(this.#unwritten.splice(0).length, UNWRITTEN);
    this.#losses.close();
  }

  /** Now, as results age: setting the wall clock makes none older. */
  #age(): number {
    return Math.round(this.#ageOffset! + this.#options.clock.monotonic());
  }

  async #open(): Promise<void> {
    const { clock, log, path, maxBytes, maxPages } = this.#options;
    if (!this.#thread || this.#thread.dead) {
      if (this.#thread) log.error({}, "The outbox's thread ended; another takes its place");
      const start = this.#options.startThread ?? (() => startWorker("outbox"));
      this.#thread = new Thread(start(), "keeps the outbox");
    }
    const damage = this.#failure?.kind === "damaged" ? this.#failure.message : null;
    const request = { path, maxBytes, maxPages, now: clock.now(), damage };
    const { lastId, depth, oldest, age, meta, damaged } = await this.#thread.call("open", request);
    this.#failure = null;
    if (damaged) {
      log.error(
        { ...damaged, rescued: depth },
        "The outbox was damaged; it was moved aside, and a new one made with what could be read",
      );
      this.#lose(Math.max(0, this.#file.depth - depth), "the outbox was damaged");
    }
    this.#file = { depth, oldest };
    this.#nextId = Math.max(this.#nextId, lastId + 1);
    this.#meta = { ...meta, ...this.#meta };
    [this.#ready, this.#hasUnread] = [[], true];
    // In doubt what was given out is sent again.
    this.#given = this.#doneThrough;
    if (damaged) this.#done = 0;
    this.#ageOffset ??= age - clock.monotonic();
  }

  async #take(limit: number, maxBytes: number): Promise<Row[]> {
    const first = (rows: NewRow[]) => fitting(rows.slice(0, limit), maxBytes);
    let rows: Row[] = first(this.#ready);
    this.#ready.splice(0, rows.length);
    if (this.#hasUnread && readable(this.#failure)) {
      try {
        rows = await this.#thread.call("read", { after: this.#given, limit, maxBytes });
        this.#hasUnread = rows.length > 0;
      } catch (error) {
        this.#onFailure(error as ThreadError);
      }
    }
    if (rows.length === 0 && this.failing) {
      rows = first(this.#unwritten.filter(({ id }) => id > this.#given));
    }
    this.#given = rows.at(-1)?.id ?? this.#given;
    return rows;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #commitWithin(ms: number): void {
    const at = this.#options.clock.monotonic() + ms;
    if (this.#closed || at >= this.#commitAt) return;
    this.#cancelTimer?.();
    this.#commitAt = at;
    this.#cancelTimer = this.#options.clock.after(ms, () => void this.#commit());
  }

  /** @returns Whether all went well; there may be more to do */
  #commit(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#closed) return false;
      this.#cancelTimer?.();
      this.#commitAt = Infinity;
      try {
        if (!readable(this.#failure) || this.#thread.dead) await this.#open();
        await this.#apply();
      } catch (error) {
        this.#onFailure(error as ThreadError);
      }
      this.#wake();
      return this.#failure === null;
    });
  }

  async #apply(): Promise<void> {
    // The refused first: they leave the rows that wait.
    const rows = [...this.#refused, ...this.#unwritten.slice(0, MAX_ROWS)].slice(0, MAX_ROWS);
    const done = this.#done;
    const applied = await this.#thread.call("apply", {
      rows,
      doneThrough: this.#doneThrough,
      meta: this.#meta,
      keepThrough: this.#given,
      now: this.#options.clock.now(),
      age: this.#age(),
      maxAgeMs: this.#options.maxAgeMs,
    });
    const { dropped, full, more } = applied;
    const written = new Set(rows.slice(0, applied.rows));
    this.#refused = this.#refused.filter((row) => !written.has(row));
    this.#unwritten = this.#unwritten.filter((row) => !written.has(row));
    this.#done -= more ? Math.min(done, applied.done) : done;
    this.#file = applied;
    if (!this.#hasUnread) {
      const isNew = ({ id, reason }: NewRow) => id > this.#given && reason === undefined;
      this.#ready.push(...[...written].filter(isNew));
    }
    const areDropped = dropped.byAge + dropped.bySize > 0;
    if (areDropped || this.#ready.length > MAX_READY) [this.#ready, this.#hasUnread] = [[], true];
    this.#lose(dropped.byAge, "older than agent.outbox_max_age_hours");
    this.#lose(dropped.bySize, "over agent.outbox_max_bytes");
    this.#lose(dropped.refused, REFUSED);
    this.#failure = null;
    if (full !== null) return this.#onFailure(new ThreadError(full, "full"));
    // On a full disk there may be more that does not fit.
    if (!more && applied.rows + applied.done > 0) {
      const fields = { waiting: this.waiting };
      this.#spell.ended(this.#options.log, "The outbox can be written again", fields);
    }
    if (more || rows.length === MAX_ROWS) this.#commitWithin(0);
    else if (this.#done > 0) this.#commitWithin(DELETE_WITHIN_MS);
  }

  #onFailure(error: ThreadError): void {
    // A damaged file stays so, whatever keeps it from being mended.
    if (this.#failure?.kind !== "damaged") this.#failure = error;
    this.#commitWithin(RETRY_MS);
    this.#spell.failed(this.#options.log, error, {
      failed: `Cannot write to the outbox; up to ${MAX_UNWRITTEN} results wait in memory`,
      still: "The outbox still cannot be written",
      advice: error.kind === "full"
        ? `make room on the disk of "${dirname(this.#options.path)}"`
        : `see whether "${this.#options.path}" can be written`,
      fields: { waiting: this.waiting },
    });
  }

  #lose(count: number, why: string): void {
    this.#dropped += count;
    if (count > 0) this.#losses.add(count, why);
  }

  #wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }
}

/** A full disk says nothing against the open file; anything else may be cured by opening it anew. */
function readable(failure: ThreadError | null): boolean {
  return failure === null || failure.kind === "full";
}

import { recordHash, type StoredOffset } from "../db/offsets.ts";
import type { BatchSource, IncomingRecord, ResultStore } from "../db/store.ts";
import type { Bounds } from "../kafka/cluster.ts";
import type { Logger } from "../runtime/log.ts";
import { type RetryDeps, retryUntil, type Spell } from "../runtime/retry.ts";
import { decodeRecords, type RawRecord } from "./decode_records.ts";
import { planRead } from "./read_plan.ts";
import { type PartitionProgress, recordFailure, type WriterStats } from "./stats.ts";

/** What a partition's reader is handed. Its `signal` aborts when the assignment ends. */
export interface ReaderDeps extends RetryDeps {
  store: ResultStore;
  stats: WriterStats;
  /** Kept up to date. */
  progress: PartitionProgress;
  maxBatchMessages: number;
  /** The offsets that the partition holds now. */
  bounds(): Promise<Bounds>;
  /** Makes the consumer read from `offset` next. */
  seek(offset: bigint): void;
  /** Called when storing failed and is tried again. */
  storeFailed(): void;
  /** Shared by all partitions: a database that is away is one trouble, not one for each. */
  spells: { place: Spell; store: Spell };
}

/** Records of one partition, as one fetch gave them. */
export interface FetchedRecords {
  /** The offset that was asked for. */
  fetchedFrom: bigint;
  /** The offset after the last one that the fetch covers. */
  nextOffset: bigint;
  records: readonly RawRecord[];
}

/** What is known of one assigned partition: where the store stands and what comes next. */
interface Reading {
  fetchFrom: bigint;
  position: bigint;
  verify: StoredOffset | null;
  /** Whether the database has an offset of the partition. */
  stored: boolean;
  /** Where a fetch from `fetchFrom` went on: offsets between may be Kafka's own, or not. */
  hole: bigint | null;
}

/**
 * Reads one assigned partition into the store. It holds the offset that is to come next against what
 * does come, so that a topic made anew, a gap, and a database put back to an older copy are noticed
 * and not read over.
 */
export class PartitionReader {
  readonly #source: BatchSource;
  readonly #deps: ReaderDeps;
  readonly #log: Logger;
  /** Null while the place to read from is being found. */
  #reading: Reading | null = null;
  #preparing: Promise<void> | null = null;
  #looking: Promise<void> | null = null;
  #taking = false;

  constructor(source: BatchSource, deps: ReaderDeps) {
    this.#source = source;
    this.#deps = deps;
    this.#log = deps.log.child({ topic: source.topic, partition: source.partition });
  }

  /**
   * Finds out where to read from and seeks there, one record early, so that the last stored one can
   * be compared. Retries until it can or the signal aborts.
   */
  prepare(): Promise<void> {
    this.#reading = null;
    this.#preparing ??= this.#prepare().finally(() => this.#preparing = null);
    return this.#preparing;
  }

  /** Resolves when neither `prepare` nor `look` is under way. */
  async prepared(): Promise<void> {
    await this.#looking;
    await this.#preparing;
  }

  /**
   * Finds out whether the database was put back to an older copy while nothing new came; else only
   * the next record would tell. Does nothing while `take` is under way.
   */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => this.#looking = null);
    return this.#looking;
  }

  async #look(): Promise<void> {
    const reading = this.#reading;
    if (reading === null || this.#taking) return;
    let found: StoredOffset | null;
    try {
      found = await this.#deps.store.readOffset(this.#source);
    } catch {
      return; // the next look tells
    }
    if (this.#deps.signal.aborted || this.#reading !== reading) return;
    const wentBack = found === null ? reading.stored : found.nextOffset < reading.position;
    if (wentBack) await this.#wentBack(reading.position, found?.nextOffset ?? null);
  }

  async #wentBack(expected: bigint, stored: bigint | null): Promise<void> {
    this.#log.error(
      { expected: String(expected), stored: String(stored) },
      "The stored offset went back: the database is an older copy; reading the topic again from there",
    );
    await this.prepare();
  }

  /**
   * Stores what a fetch brought, in transactions of at most `maxBatchMessages` records.
   *
   * @returns The offset of the next record to store, or null where the fetch is not done with: the
   *   consumer reads elsewhere next, or we stop
   */
  async take(fetched: FetchedRecords): Promise<bigint | null> {
    this.#taking = true;
    try {
      return await this.#take(fetched);
    } finally {
      this.#taking = false;
    }
  }

  async #take(fetched: FetchedRecords): Promise<bigint | null> {
    let reading = this.#reading;
    if (reading === null) return null;
    if (fetched.fetchedFrom !== reading.fetchFrom && !await this.#followHole(fetched, reading)) {
      return null;
    }
    let records = fetched.records;
    if (reading.verify) {
      if (!this.#isSameRecord(records[0], reading.verify)) {
        await this.#startAnew(reading.position);
        return null;
      }
      const { position } = reading;
      records = records.filter((record) => record.offset >= position);
      reading = { ...reading, verify: null };
      this.#reading = reading;
    }
    for (let start = 0; start < records.length; start += this.#deps.maxBatchMessages) {
      const chunk = records.slice(start, start + this.#deps.maxBatchMessages);
      const position = await this.#storeChunk(await decodeRecords(chunk), reading.position);
      // A prepare() that came meanwhile reads the place again.
      if (position === null || this.#reading === null) return null;
      reading = { ...reading, position, stored: true };
      this.#reading = reading;
    }
    this.#reading = { ...reading, fetchFrom: fetched.nextOffset, hole: null };
    // Past what Kafka itself used (transaction markers), which nobody stores.
    this.#deps.progress.position = fetched.nextOffset;
    return reading.position;
  }

  async #prepare(): Promise<void> {
    const { store, bounds, seek, progress, signal } = this.#deps;
    await retryUntil("Finding the place to read from", async () => {
      while (!signal.aborted) {
        const stored = await store.readOffset(this.#source);
        const now = await bounds();
        if (signal.aborted) return;
        const plan = planRead(stored, now);
        if (stored && plan.moved) {
          const { nextOffset } = stored;
          // Refused where another writer has moved it meanwhile: then look again.
          if (!await store.moveOffset(this.#source, nextOffset, plan.position)) continue;
          this.#reportMove(plan.moved, nextOffset, now);
        }
        const { fetchFrom, position, verify } = plan;
        this.#reading = { fetchFrom, position, verify, stored: stored !== null, hole: null };
        Object.assign(progress, { position, end: now.high, failing: null });
        seek(fetchFrom);
        return;
      }
    }, this.#tries("place"));
  }

  #reportMove(moved: "topic_anew" | "gap", from: bigint, { low, high }: Bounds): void {
    const fields = { stored: String(from), low: String(low), high: String(high) };
    if (moved === "gap") {
      const lost = low - from;
      this.#deps.stats.expiredUnread += Number(lost);
      this.#log.error(
        { ...fields, lost: String(lost) },
        "The topic's retention deleted records before they were read; going on at its start",
      );
    } else {
      this.#deps.stats.topicsAnew++;
      this.#log.error(
        fields,
        "The stored offset is past the end: the topic was made anew; reading it from its start",
      );
    }
  }

  /**
   * Kafka itself uses offsets (transaction markers, compaction), so a fetch may go on past the one
   * that was asked for. That is so if a second fetch from there lands at the same place and the log
   * still starts before it; anything else is a position that the broker or kafkajs moved.
   *
   * @returns Whether the fetch is what follows
   */
  async #followHole({ fetchedFrom }: FetchedRecords, reading: Reading): Promise<boolean> {
    const { fetchFrom, hole } = reading;
    if (fetchedFrom > fetchFrom) {
      const now = await retryUntil("Reading the topic's offsets", this.#deps.bounds, this.#deps);
      if (now === null) return false;
      if (now.value.low <= fetchFrom) {
        if (hole === fetchedFrom) return true;
        this.#reading = { ...reading, hole: fetchedFrom };
        this.#deps.seek(fetchFrom);
        return false;
      }
    }
    this.#log.error(
      { expected: String(fetchFrom), found: String(fetchedFrom) },
      "The read position was moved, finding the place anew",
    );
    await this.prepare();
    return false;
  }

  /** True also where the record is gone (retention, compaction): then nothing can be said. */
  #isSameRecord(first: RawRecord | undefined, stored: StoredOffset): boolean {
    if (!first || first.offset !== stored.nextOffset - 1n || stored.lastHash === null) return true;
    return Buffer.compare(recordHash(first), stored.lastHash) === 0 &&
      (stored.lastTimestamp === null || stored.lastTimestamp === first.timestamp);
  }

  async #startAnew(position: bigint): Promise<void> {
    const { store, bounds, stats } = this.#deps;
    const moved = await retryUntil("Moving the stored offset", async () => {
      const { low } = await bounds();
      return await store.moveOffset(this.#source, position, low);
    }, this.#tries("place"));
    if (moved?.value) {
      stats.topicsAnew++;
      this.#log.error(
        { stored: String(position) },
        "Another record stands at the last stored offset: the topic was made anew; reading it from its start",
      );
    }
    await this.prepare();
  }

  /** @returns The next offset to store, or null when we stop or read elsewhere. */
  async #storeChunk(chunk: readonly IncomingRecord[], position: bigint): Promise<bigint | null> {
    const { store, stats, progress, clock } = this.#deps;
    let start = 0;
    const done = await retryUntil("Storing a batch", () => {
      start = clock.monotonic();
      return store.storeBatch(this.#source, chunk, position);
    }, this.#tries("store"));
    if (done === null) return null;
    const ms = clock.monotonic() - start;
    const outcome = done.value;
    progress.failing = null;
    if (outcome.kind === "moved") {
      await this.#wentBack(position, outcome.storedOffset);
      return null;
    }
    progress.position = outcome.nextOffset;
    stats.batches++;
    stats.transactions.record(ms);
    stats.inserted += outcome.inserted;
    stats.duplicates += outcome.duplicates;
    stats.deadLetters += outcome.deadLetters;
    stats.skipped += outcome.skipped;
    this.#log.debug(
      {
        inserted: outcome.inserted,
        duplicates: outcome.duplicates,
        deadLetters: outcome.deadLetters,
        ms: Math.round(ms),
      },
      "Stored a batch",
    );
    return outcome.nextOffset;
  }

  #tries(attempt: "place" | "store"): RetryDeps {
    const { stats, progress, clock, spells, storeFailed } = this.#deps;
    return {
      ...this.#deps,
      spell: spells[attempt],
      onFailure: () => {
        recordFailure(stats, attempt, clock.monotonic());
        progress.failing = attempt;
        if (attempt === "store") storeFailed();
      },
    };
  }
}

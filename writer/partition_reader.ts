import { recordHash, type StoredOffset } from "../db/offsets.ts";
import type { BatchSource, IncomingRecord, ResultStore } from "../db/store.ts";
import type { Bounds } from "../kafka/cluster.ts";
import { noFailpoints, type PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log.ts";
import { type RetryDeps, retryUntil } from "../runtime/retry.ts";
import { planRead } from "./read_plan.ts";
import type { WriterStats } from "./stats.ts";

/** What a partition's reader is handed. */
export interface ReaderDeps extends RetryDeps {
  store: ResultStore;
  stats: WriterStats;
  maxBatchMessages: number;
  /** The offsets that the partition holds now. */
  bounds(): Promise<Bounds>;
  /** Makes the consumer read from `offset` next. */
  seek(offset: bigint): void;
  /** Called after each transaction with the offset of the next record to store. */
  committed(nextOffset: bigint): Promise<void>;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
}

/** Records of one partition, as one fetch gave them. */
export interface FetchedRecords {
  /** The offset that was asked for. */
  fetchedFrom: bigint;
  /** The offset after the last one that the fetch covers. */
  nextOffset: bigint;
  records: readonly IncomingRecord[];
}

/** What is known of one assigned partition: where the store stands and what comes next. */
interface Reading {
  fetchFrom: bigint;
  position: bigint;
  verify: StoredOffset | null;
  /** The database has an offset of the partition. */
  stored: boolean;
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
  #reading: Reading | null = null;
  #preparing: Promise<void> | null = null;
  #looking: Promise<void> | null = null;
  #taking = false;

  constructor(source: BatchSource, deps: ReaderDeps) {
    this.#source = source;
    this.#deps = deps;
    this.#log = deps.log.child({ topic: source.topic, partition: source.partition });
  }

  /** Finds out where to read from and seeks there. Retries until it can or the signal aborts. */
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
   * Finds out whether the database was put back to an older copy while nothing new came; else the
   * next record would tell. Does nothing while `take` is under way.
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
    if (this.#deps.signal.aborted) return;
    const wentBack = found === null ? reading.stored : found.nextOffset < reading.position;
    if (wentBack) await this.#wentBack(reading.position, found?.nextOffset ?? null);
  }

  /**
   * Stores what a fetch brought, in transactions of at most `maxBatchMessages` records.
   *
   * @returns Whether all of it is done with; false: the consumer reads elsewhere next, or we stop
   */
  async take(fetched: FetchedRecords): Promise<boolean> {
    this.#taking = true;
    try {
      return await this.#take(fetched);
    } finally {
      this.#taking = false;
    }
  }

  async #take(fetched: FetchedRecords): Promise<boolean> {
    let reading = this.#reading;
    if (reading === null) return false;
    if (fetched.fetchedFrom !== reading.fetchFrom && !await this.#isHole(fetched, reading)) {
      this.#log.error(
        { expected: String(reading.fetchFrom), found: String(fetched.fetchedFrom) },
        "The broker moved the read position, finding the place anew",
      );
      await this.prepare();
      return false;
    }
    let records = fetched.records;
    if (reading.verify) {
      if (!this.#isSameRecord(records[0], reading.verify)) {
        await this.#startAnew(reading.position);
        return false;
      }
      const { position } = reading;
      records = records.filter((record) => record.offset >= position);
      reading = { ...reading, verify: null };
      this.#reading = reading;
    }
    for (let start = 0; start < records.length; start += this.#deps.maxBatchMessages) {
      const chunk = records.slice(start, start + this.#deps.maxBatchMessages);
      const position = await this.#storeChunk(chunk, reading.position);
      if (position === null) return false;
      reading = { ...reading, position, stored: true };
      this.#reading = reading;
    }
    this.#reading = { ...reading, fetchFrom: fetched.nextOffset };
    return true;
  }

  async #prepare(): Promise<void> {
    const { store, bounds, seek } = this.#deps;
    await retryUntil("Finding the place to read from", async () => {
      const [stored, now] = [await store.readOffset(this.#source), await bounds()];
      const plan = planRead(stored, now);
      if (stored && plan.moved) {
        this.#reportMove(plan.moved, stored.nextOffset, now);
        await store.moveOffset(this.#source, stored.nextOffset, plan.position);
      }
      const { fetchFrom, position, verify } = plan;
      this.#reading = { fetchFrom, position, verify, stored: stored !== null };
      seek(fetchFrom);
    }, this.#deps);
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

  /** Whether offsets are missing because Kafka itself used them (transaction markers, compaction). */
  async #isHole(fetched: FetchedRecords, reading: Reading): Promise<boolean> {
    if (fetched.fetchedFrom < reading.fetchFrom) return false;
    const bounds = await retryUntil(
      "Reading the topic's offsets",
      () => this.#deps.bounds(),
      this.#deps,
    );
    return bounds !== null && bounds.value.low <= reading.fetchFrom;
  }

  /** True also where the record is gone (retention, compaction): then nothing can be said. */
  #isSameRecord(first: IncomingRecord | undefined, stored: StoredOffset): boolean {
    if (!first || first.offset !== stored.nextOffset - 1n || stored.lastHash === null) return true;
    return Buffer.compare(recordHash(first), stored.lastHash) === 0 &&
      (stored.lastTimestamp === null || stored.lastTimestamp === first.timestamp);
  }

  async #startAnew(position: bigint): Promise<void> {
    const { store, bounds, stats, seek } = this.#deps;
    stats.topicsAnew++;
    this.#log.error(
      { stored: String(position) },
      "Another record stands at the last stored offset: the topic was made anew; reading it from its start",
    );
    this.#reading = null;
    await retryUntil("Moving the stored offset", async () => {
      const { low } = await bounds();
      await store.moveOffset(this.#source, position, low);
      this.#reading = { fetchFrom: low, position: low, verify: null, stored: true };
      seek(low);
    }, this.#deps);
  }

  async #wentBack(expected: bigint, stored: bigint | null): Promise<void> {
    this.#log.error(
      { expected: String(expected), stored: String(stored) },
      "The stored offset went back: the database is an older copy; reading the topic again from there",
    );
    await this.prepare();
  }

  /** @returns The next offset to store, or null when we stop or read elsewhere. */
  async #storeChunk(chunk: readonly IncomingRecord[], position: bigint): Promise<bigint | null> {
    const { store, stats, clock } = this.#deps;
    const start = clock.monotonic();
    const done = await retryUntil(
      "Storing a batch",
      () => store.storeBatch(this.#source, chunk, position),
      this.#deps,
    );
    if (done === null) return null;
    const outcome = done.value;
    if (outcome.kind === "moved") {
      await this.#wentBack(position, outcome.storedOffset);
      return null;
    }
    stats.batches++;
    stats.inserted += outcome.inserted;
    stats.duplicates += outcome.duplicates;
    stats.deadLetters += outcome.deadLetters;
    stats.skipped += outcome.skipped;
    this.#log.debug(
      {
        inserted: outcome.inserted,
        duplicates: outcome.duplicates,
        deadLetters: outcome.deadLetters,
        ms: Math.round(clock.monotonic() - start),
      },
      "Stored a batch",
    );
    await this.#deps.committed(outcome.nextOffset);
    const { passFailpoint = noFailpoints } = this.#deps;
    passFailpoint("writer.after_both");
    return outcome.nextOffset;
  }
}

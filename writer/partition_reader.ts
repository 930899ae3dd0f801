import type { BatchSource, IncomingRecord, ResultStore, StoredOffset } from "../db/store/store.ts";
import type { Bounds } from "../kafka/cluster.ts";
import type { Logger } from "../runtime/log.ts";
import { type RetryDeps, retryUntil, type Spell } from "../runtime/retry.ts";
import { decodeRecords, type RawRecord } from "./decode_records.ts";
import { beginsWithLast, offsetAfter } from "./last_record.ts";
import { Notices } from "./notices.ts";
import { planRead } from "./read_plan.ts";
import { type PartitionProgress, recordFailure, recordStored, type WriterStats } from "./stats.ts";

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
  /** The last stored record's, right before `position`; null where it cannot be compared. */
  last: StoredOffset | null;
  /** Whether `fetchFrom` is that record: it must be the same one still. */
  verifying: boolean;
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
  readonly #notices: Notices;
  /** Null while the place to read from is being found. */
  #reading: Reading | null = null;
  #preparing: Promise<void> | null = null;
  #looking: Promise<void> | null = null;
  /** What `look` saw the last time. */
  #seen: Reading | null = null;
  #taking = false;

  constructor(source: BatchSource, deps: ReaderDeps) {
    this.#source = source;
    this.#deps = deps;
    this.#log = deps.log.child({ topic: source.topic, partition: source.partition });
    this.#notices = new Notices(this.#log, deps.stats);
  }

  /**
   * Finds out where to read from and seeks there, one record early, so that the last stored one can
   * be compared. Retries until it can or the signal aborts.
   */
  prepare(): Promise<void> {
    return this.#findPlace(null);
  }

  /** @param from Where the consumer reads now, if it is known: it need not seek there */
  #findPlace(from: bigint | null): Promise<void> {
    this.#reading = null;
    this.#preparing ??= this.#prepare(from).finally(() => this.#preparing = null);
    return this.#preparing;
  }

  /**
   * To be called right before a fetch, where none was under way for a time: the topic may have been
   * made anew. This fetch then begins one record early, so that it tells itself, in time; asking
   * first would take as long as a connection, and would find the fetch begun.
   */
  recheck(): void {
    const reading = this.#reading;
    // A partition that is being stored has its next fetch still to come.
    if (reading === null || reading.verifying || this.#taking) return;
    if (reading.last === null) {
      void this.#findPlace(reading.fetchFrom);
      return;
    }
    const fetchFrom = reading.last.nextOffset - 1n;
    this.#reading = { ...reading, fetchFrom, verifying: true, hole: null };
    this.#deps.seek(fetchFrom);
  }

  /** Resolves when neither `prepare` nor `look` is under way. */
  async prepared(): Promise<void> {
    await this.#looking;
    await this.#preparing;
  }

  /**
   * Finds out, while nothing new comes, what else only the next record would tell: that the database
   * was put back to an older copy, or the topic made anew, and ends before what was last stored. Does
   * nothing while `take` is under way.
   */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => this.#looking = null);
    return this.#looking;
  }

  async #look(): Promise<void> {
    const reading = this.#reading, seen = this.#seen;
    this.#seen = reading;
    if (reading === null || this.#taking) return;
    let found: StoredOffset | null;
    try {
      found = await this.#deps.store.readOffset(this.#source);
    } catch {
      return; // the next look tells
    }
    if (this.#deps.signal.aborted || this.#taking || this.#reading !== reading) return;
    const wentBack = found === null ? reading.stored : found.nextOffset < reading.position;
    if (wentBack) await this.#wentBack(reading.position, found?.nextOffset ?? null);
    // It has been asked for since the last look, and did not come.
    else if (reading.verifying && reading === seen) await this.#findPlace(reading.fetchFrom);
  }

  async #wentBack(expected: bigint, stored: bigint | null): Promise<void> {
    this.#notices.wentBack(expected, stored);
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
    if (reading.verifying) {
      if (!beginsWithLast(records[0], reading.last!)) {
        await this.#startAnew(reading.position);
        return null;
      }
      const { position } = reading;
      records = records.filter((record) => record.offset >= position);
      reading = { ...reading, verifying: false };
      this.#reading = reading;
    }
    for (let start = 0; start < records.length; start += this.#deps.maxBatchMessages) {
      const chunk = records.slice(start, start + this.#deps.maxBatchMessages);
      const position = await this.#storeChunk(await decodeRecords(chunk), reading);
      if (position === null) return null;
      const after = offsetAfter(chunk.at(-1)!);
      // Further on where another writer stored more: its last record is not known here.
      const last = position === after.nextOffset ? after : null;
      reading = { ...reading, position, last, stored: true };
      this.#reading = reading;
    }
    this.#reading = { ...reading, fetchFrom: fetched.nextOffset, hole: null };
    // Past what Kafka itself used (transaction markers), which nobody stores.
    this.#deps.progress.position = fetched.nextOffset;
    return reading.position;
  }

  async #prepare(from: bigint | null): Promise<void> {
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
          if (plan.moved === "gap") this.#notices.gap(nextOffset, now);
          else this.#notices.pastEnd(nextOffset, now);
        }
        const { fetchFrom, position, verify: last } = plan;
        const verifying = last !== null;
        this.#reading = { fetchFrom, position, last, verifying, stored: !!stored, hole: null };
        Object.assign(progress, { position, end: now.high, failing: null });
        if (fetchFrom !== from) seek(fetchFrom);
        return;
      }
    }, this.#tries("place"));
  }

  /**
   * Kafka itself uses offsets (transaction markers, compaction), so a fetch may go on past the one
   * that was asked for. That is so if a second fetch from there lands at the same place and the log
   * still starts before it; anything else is a position that the broker or kafkajs moved. Only where
   * the last stored record was to be read again may it be gone: retention took it, and no more.
   *
   * @returns Whether the fetch is what follows
   */
  async #followHole({ fetchedFrom }: FetchedRecords, reading: Reading): Promise<boolean> {
    const { fetchFrom, position, verifying, hole } = reading;
    if (fetchedFrom > fetchFrom) {
      const now = await retryUntil("Reading the topic's offsets", this.#deps.bounds, this.#deps);
      if (now === null) return false;
      if (now.value.low <= fetchFrom) {
        if (hole === fetchedFrom) return true;
        this.#reading = { ...reading, hole: fetchedFrom };
        this.#deps.seek(fetchFrom);
        return false;
      }
      if (verifying && now.value.low === position && fetchedFrom === position) return true;
    }
    this.#notices.positionMoved(fetchFrom, fetchedFrom);
    await this.prepare();
    return false;
  }

  async #startAnew(position: bigint): Promise<void> {
    const { store, bounds } = this.#deps;
    const moved = await retryUntil("Moving the stored offset", async () => {
      const { low } = await bounds();
      return await store.moveOffset(this.#source, position, low);
    }, this.#tries("place"));
    if (moved?.value) this.#notices.anotherRecord(position);
    await this.prepare();
  }

  /** @returns The next offset to store, or null when we stop or read elsewhere. */
  async #storeChunk(
    chunk: readonly IncomingRecord[],
    { position, stored }: Reading,
  ): Promise<bigint | null> {
    const { store, stats, progress, clock } = this.#deps;
    let start = 0;
    const done = await retryUntil("Storing a batch", () => {
      start = clock.monotonic();
      return store.storeBatch(this.#source, chunk, position);
    }, this.#tries("store"));
    if (done === null) return null;
    const ms = clock.monotonic() - start;
    const outcome = done.value;
    const again = progress.failing !== null;
    progress.failing = null;
    if (outcome.kind === "moved") {
      await this.#wentBack(position, outcome.storedOffset);
      return null;
    }
    // Counted here, as what is stored says that it was: once, however often the place was found before.
    // A try may have stored it without a reply; where another writer did, it ends elsewhere.
    const own = outcome.skipped === 0 || again && outcome.nextOffset === chunk.at(-1)!.offset + 1n;
    if (!stored && own && position > 0n) this.#notices.missedStart(position);
    progress.position = outcome.nextOffset;
    recordStored(stats, outcome, ms);
    const { inserted, duplicates, deadLetters } = outcome;
    this.#log.debug({ inserted, duplicates, deadLetters, ms: Math.round(ms) }, "Stored a batch");
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

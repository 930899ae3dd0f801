import type { Bounds } from "../../kafka/cluster.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { type RetryDeps, retryUntil } from "../../runtime/retry.ts";
import { notice } from "../notices.ts";
import type { Offsets, StoredOffset } from "../offsets.ts";
import { beginsWithLast, offsetAfter, planRead } from "./read_plan.ts";
import type { RawRecord, Sink, Source } from "../sink.ts";
import type { ConsumerStats, PartitionProgress } from "../stats.ts";
import { storeBatch, triesOf } from "./store_batch.ts";

/** Where a partition stands: in the database, and then in the topic. */
export interface Standing {
  stored: StoredOffset | null;
  bounds: Bounds;
}

/** What a partition's reader is handed. Its `signal` aborts when the assignment ends. */
export interface ReaderDeps extends RetryDeps {
  sink: Sink;
  offsets: Offsets;
  stats: ConsumerStats;
  /** Kept up to date. */
  progress: PartitionProgress;
  maxBatchRecords: number;
  /** Looks at the database first, so that no stored offset is held against an end from before. */
  standing(): Promise<Standing>;
  /** Makes the consumer read from `offset` next. */
  seek(offset: bigint): void;
  /** Called with each batch that was stored. */
  stored(): void;
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
  readonly #source: Source;
  readonly #deps: ReaderDeps;
  readonly #log: Logger;
  /** Null while the place to read from is being found. */
  #reading: Reading | null = null;
  #preparing: Promise<void> | null = null;
  /** What `look` saw the last time. */
  #seen: Reading | null = null;
  #taking = false;

  constructor(source: Source, deps: ReaderDeps) {
    this.#source = source;
    this.#deps = deps;
    this.#log = deps.log.child({ topic: source.topic, partition: source.partition });
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

  /** Resolves when the place to read from is found, where it is being looked for. */
  async prepared(): Promise<void> {
    await this.#preparing;
  }

  /**
   * Finds out, while nothing new comes, what else only the next record would tell: that the database
   * was put back to an older copy, or the topic made anew, and ends before what was last stored. Does
   * nothing while `take` is under way.
   *
   * @returns To be called with what the database has, as read after this call
   */
  look(): (stored: StoredOffset | null) => void {
    const reading = this.#reading, seen = this.#seen;
    this.#seen = reading;
    return (stored) => {
      if (reading === null || this.#reading !== reading) return;
      if (this.#taking || this.#deps.signal.aborted) return;
      const wentBack = stored === null ? reading.stored : stored.nextOffset < reading.position;
      if (wentBack) void this.#wentBack(reading.position, stored?.nextOffset ?? null);
      // It has been asked for since the last look, and did not come.
      else if (reading.verifying && reading === seen) void this.#findPlace(reading.fetchFrom);
    };
  }

  async #wentBack(expected: bigint, stored: bigint | null): Promise<void> {
    notice(this.#log, "wentBack", { expected, stored });
    await this.prepare();
  }

  /**
   * Stores what a fetch brought, in transactions of at most `maxBatchRecords` records. Tries each for
   * as long as it takes.
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
    const { maxBatchRecords } = this.#deps;
    for (let start = 0; start < records.length; start += maxBatchRecords) {
      const batch = records.slice(start, start + maxBatchRecords);
      const position = await this.#store(batch, reading);
      if (position === null) return null;
      const after = offsetAfter(batch.at(-1)!);
      // Further on where another process stored more: its last record is not known here.
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
    const { offsets, standing, seek, stats, progress, signal } = this.#deps;
    await retryUntil("Finding the place to read from", async () => {
      while (!signal.aborted) {
        const { stored, bounds } = await standing();
        if (signal.aborted) return;
        const plan = planRead(stored, bounds);
        if (stored && plan.moved) {
          const { nextOffset } = stored;
          const isGap = plan.moved === "gap";
          // Refused where another process has moved it meanwhile: then look again.
          if (!await offsets.move(this.#source, nextOffset, plan.position, isGap)) continue;
          if (isGap) stats.expiredUnread += Number(bounds.low - nextOffset);
          else stats.topicsAnew++;
          notice(this.#log, isGap ? "gap" : "pastEnd", { stored: nextOffset, ...bounds });
        }
        const { fetchFrom, position, verify: last } = plan;
        const verifying = last !== null;
        this.#reading = { fetchFrom, position, last, verifying, stored: !!stored, hole: null };
        Object.assign(progress, { position, end: bounds.high, failing: null });
        if (fetchFrom !== from) seek(fetchFrom);
        return;
      }
    }, triesOf(this.#deps, "place"));
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
      const { progress, standing } = this.#deps;
      const now = await retryUntil("Looking at the topic", standing, triesOf(this.#deps, "place"));
      if (now === null) return false;
      progress.failing = null;
      const { low } = now.value.bounds;
      if (low <= fetchFrom) {
        if (hole === fetchedFrom) return true;
        this.#reading = { ...reading, hole: fetchedFrom };
        this.#deps.seek(fetchFrom);
        return false;
      }
      if (verifying && low === position && fetchedFrom === position) return true;
    }
    notice(this.#log, "positionMoved", { expected: fetchFrom, found: fetchedFrom });
    await this.prepare();
    return false;
  }

  async #startAnew(position: bigint): Promise<void> {
    const { offsets, standing, stats } = this.#deps;
    const moved = await retryUntil("Moving the stored offset", async () => {
      const { bounds: { low } } = await standing();
      return await offsets.move(this.#source, position, low, false);
    }, triesOf(this.#deps, "place"));
    if (moved?.value) {
      stats.topicsAnew++;
      notice(this.#log, "anotherRecord", { stored: position });
    }
    await this.prepare();
  }

  /** @returns The next offset to store, or null when we stop or read elsewhere. */
  async #store(
    batch: readonly RawRecord[],
    { position, stored }: Reading,
  ): Promise<bigint | null> {
    const place = { position, first: !stored };
    const outcome = await storeBatch(this.#source, batch, place, this.#deps, this.#log);
    if (outcome?.kind !== "moved") return outcome?.nextOffset ?? null;
    await this.#wentBack(position, outcome.storedOffset);
    return null;
  }
}

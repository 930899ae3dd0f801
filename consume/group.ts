import type { Batch, Consumer, EachBatchPayload } from "kafkajs";
import { isPassing } from "../kafka/failure.ts";
import { aborted, within } from "../runtime/abort.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { noFailpoints, type PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Spell } from "../runtime/log/spell.ts";
import { type LookDeps, Looks } from "./read/looks.ts";
import { PartitionReader, type ReaderDeps } from "./read/partition_reader.ts";
import type { RawRecord, Sink, Source } from "./sink.ts";
import type { ConsumerStats, PartitionProgress } from "./stats.ts";

/**
 * kafkajs asks a broker for more once all that its last answer brought is done with. What takes longer
 * than this goes on by itself, its partition paused, so that it holds up no other one.
 */
const PATIENCE_MS = 500;
/** Where all others are paused there is nobody to hold up; heartbeats come after this at the latest. */
const LONG_PATIENCE_MS = 5_000;
/** Kafka's commit is for lag tools only, so a batch waits no longer for it. */
const COMMIT_WAIT_MS = 2_000;
/**
 * A topic that is deleted while a fetch is under way fails that fetch, and the group is joined again.
 * When no fetch was under way for this long, it may have been made anew unseen: the next one checks.
 */
const UNWATCHED_MS = 2_000;
/** How often what does not tell by itself is looked at: partitions with nothing new, or paused. */
const LOOK_MS = 10_000;

/** What the group is handed. */
export interface GroupDeps extends LookDeps {
  /** Whose offsets these are, "writer" for one. */
  consumer: string;
  sink: Sink;
  stats: ConsumerStats;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  maxBatchRecords: number;
  /** What an operator should do about a failure; null: nothing to say. */
  advise: (error: unknown) => string | null;
  /** In which spell a failure is. */
  spell: (error: unknown) => Spell;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
  /** Called with each batch that was stored. */
  stored(): void;
}

/** What the broker gave us to read, until the next join. */
interface Assignment {
  controller: AbortController;
  /** Resolves when it ends. */
  ended: Promise<void>;
  readers: Map<number, PartitionReader>;
  paused: Set<number>;
}

/** This process's part in the consumer group: a reader for each partition assigned to it. */
export class Group {
  readonly #kafkaConsumer: Consumer;
  readonly #topic: Omit<Source, "partition">;
  readonly #deps: GroupDeps;
  #assignment = newAssignment();
  readonly #looks: Looks;
  /** By broker: when its last fetch ended. */
  readonly #fetchedAt = new Map<string, number>();
  /** What goes on by itself, a paused partition each. */
  readonly #goingOn = new Set<Promise<void>>();

  constructor(kafkaConsumer: Consumer, clusterId: string, deps: GroupDeps) {
    const { consumer, clock, config: { topic }, stats } = deps;
    this.#kafkaConsumer = kafkaConsumer;
    this.#topic = { consumer, clusterId, topic };
    this.#deps = deps;
    this.#looks = new Looks(this.#topic, deps, () => [...this.#assignment.readers.keys()]);
    const { FETCH_START, FETCH, GROUP_JOIN, REBALANCING, STOP } = kafkaConsumer.events;
    kafkaConsumer.on(REBALANCING, () => stats.joined = false);
    kafkaConsumer.on(STOP, () => void this.leave());
    kafkaConsumer.on(GROUP_JOIN, ({ payload }) => {
      this.#assign(payload.memberAssignment[topic] ?? []);
    });
    kafkaConsumer.on(FETCH, ({ payload }) => {
      this.#fetchedAt.set(String(payload.nodeId), clock.monotonic());
    });
    kafkaConsumer.on(FETCH_START, ({ payload }) => {
      const last = this.#fetchedAt.get(String(payload.nodeId)) ?? clock.monotonic();
      if (clock.monotonic() - last <= UNWATCHED_MS) return;
      // Of all partitions: which of them this broker's fetch is for, kafkajs does not tell.
      for (const reader of this.#assignment.readers.values()) reader.recheck();
    });
  }

  /**
   * Ends the assignment.
   *
   * @returns When what is under way for it has ended: it stores nothing more than it has begun to
   */
  async leave(): Promise<void> {
    this.#assignment.controller.abort();
    const { stats } = this.#deps;
    stats.joined = false;
    stats.partitions.clear();
    await Promise.all(this.#goingOn);
  }

  #assign(partitions: readonly number[]): void {
    void this.leave();
    this.#assignment = newAssignment();
    this.#fetchedAt.clear();
    const { log, stats, signal } = this.#deps;
    // The first tells that it has started.
    log[stats.joins === 0 ? "notice" : "info"]({ partitions }, "Joined the consumer group");
    stats.joins++;
    stats.joined = true;
    // kafkajs leaves paused what was paused before.
    this.#setPaused("resume", partitions);
    const either = AbortSignal.any([this.#assignment.controller.signal, signal]);
    for (const partition of partitions) {
      const progress: PartitionProgress = { position: null, end: null, failing: null };
      stats.partitions.set(partition, progress);
      const reader = this.#createReader(partition, progress, either);
      this.#assignment.readers.set(partition, reader);
      void reader.prepare();
    }
    void this.#lookAround(this.#assignment);
  }

  #createReader(
    partition: number,
    progress: PartitionProgress,
    signal: AbortSignal,
  ): PartitionReader {
    const { topic } = this.#topic;
    const deps: ReaderDeps = {
      ...this.#deps,
      progress,
      isPassing,
      signal,
      standing: async () => {
        const { stored, bounds } = await this.#looks.atAll();
        const found = bounds.get(partition);
        if (!found) throw new Error(`Topic "${topic}" has no partition ${partition} any more`);
        return { stored: stored.get(partition) ?? null, bounds: found };
      },
      seek: (offset) => {
        if (!signal.aborted) this.#seek(partition, offset);
      },
    };
    return new PartitionReader({ ...this.#topic, partition }, deps);
  }

  #seek(partition: number, offset: bigint): void {
    const { topic } = this.#topic;
    this.#kafkaConsumer.seek({ topic, partition, offset: String(offset) });
  }

  #setPaused(how: "pause" | "resume", partitions: readonly number[]): void {
    this.#kafkaConsumer[how]([{ topic: this.#topic.topic, partitions: [...partitions] }]);
  }

  async #lookAround({ controller: { signal }, readers }: Assignment): Promise<void> {
    const { clock, log, stats } = this.#deps;
    while (true) {
      await sleep(clock, LOOK_MS, signal);
      if (signal.aborted) return;
      try {
        if (this.#goingOn.size > 0) {
          // No fetch tells the ends of these, and their lag must stay true.
          const bounds = await this.#looks.bounds();
          for (const [partition, progress] of stats.partitions) {
            progress.end = bounds.get(partition)?.high ?? progress.end;
          }
        }
        const looks = [...readers].map(([partition, reader]) =>
          [partition, reader.look()] as const
        );
        const stored = await this.#looks.stored();
        for (const [partition, look] of looks) look(stored.get(partition) ?? null);
      } catch (error) {
        log.debug({ error }, "Looking at the partitions failed"); // the next look tells
      }
    }
  }

  /** Stores one fetch of one partition; called by kafkajs, which heartbeats after it. */
  async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { partition } = payload.batch;
    const { clock, fail } = this.#deps;
    const { controller: { signal }, ended, readers, paused } = this.#assignment;
    const reader = readers.get(partition);
    if (!reader) return;
    let done = false;
    const work = this.#read(reader, payload, signal).finally(() => done = true);
    const end = Promise.race([work, ended]);
    await within(clock, PATIENCE_MS, end);
    if (!done && paused.size === readers.size - 1) {
      await within(clock, LONG_PATIENCE_MS, Promise.race([end, ...this.#goingOn]));
    }
    // Who leaves on purpose leaves Kafka no lag that is none: only a member's commit is taken.
    if (!done && this.#deps.signal.aborted) await within(clock, COMMIT_WAIT_MS, work);
    if (done || signal.aborted) return;
    paused.add(partition);
    this.#setPaused("pause", [partition]);
    const goingOn = work.then(() => {
      if (signal.aborted) return;
      // While it was paused, no fetch would have told that the topic was made anew.
      reader.recheck();
      paused.delete(partition);
      this.#setPaused("resume", [partition]);
    }).catch(fail).finally(() => this.#goingOn.delete(goingOn));
    this.#goingOn.add(goingOn);
  }

  async #read(
    reader: PartitionReader,
    { batch, isStale, commitOffsetsIfNecessary }: EachBatchPayload,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, stats, passFailpoint = noFailpoints } = this.#deps;
    await reader.prepared();
    // Fetched before the place to read from was found: it comes again from there.
    if (signal.aborted || isStale()) return;
    const progress = stats.partitions.get(batch.partition);
    if (progress) progress.end = BigInt(batch.highWatermark);
    const nextOffset = BigInt(batch.lastOffset()) + 1n;
    const next = await reader.take({
      fetchedFrom: BigInt((batch as Batch & { fetchedOffset: string }).fetchedOffset),
      nextOffset,
      records: batch.messages.map(toRecord),
    });
    if (next === null || signal.aborted && !this.#deps.signal.aborted) return;
    if (!isStale() && !signal.aborted) this.#seek(batch.partition, nextOffset);
    // kafkajs's own commitOffsets() commits nothing once a stop has begun.
    const commit = this.#commit(batch.partition, next, commitOffsetsIfNecessary);
    await within(clock, COMMIT_WAIT_MS, commit);
    passFailpoint("consume.after_both");
  }

  /** For lag tools only: what counts is in the database. So a failure is no more than a word. */
  async #commit(
    partition: number,
    nextOffset: bigint,
    commitOffsets: EachBatchPayload["commitOffsetsIfNecessary"],
  ): Promise<void> {
    const { topic } = this.#topic;
    try {
      const partitions = [{ partition, offset: String(nextOffset) }];
      await commitOffsets({ topics: [{ topic, partitions }] });
    } catch (error) {
      this.#deps.log.debug({ error, partition }, "Kafka did not take the commit");
    }
  }
}

function newAssignment(): Assignment {
  const controller = new AbortController();
  return { controller, ended: aborted(controller.signal), readers: new Map(), paused: new Set() };
}

function toRecord(message: Batch["messages"][number] & Pick<RawRecord, "badBatch">): RawRecord {
  const { offset, timestamp, key, value, badBatch } = message;
  return { offset: BigInt(offset), timestamp: BigInt(timestamp), key, value, badBatch };
}

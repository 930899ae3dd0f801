import type { Batch, Consumer, EachBatchPayload, Kafka } from "kafkajs";
import type { KafkaConfig } from "../config/types.ts";
import type { ResultStore } from "../db/store/store.ts";
import { type TopicView, viewTopic } from "../kafka/cluster.ts";
import { adviceFor } from "../db/connect/advice.ts";
import { brokerErrorOf, isPassing } from "../kafka/failure.ts";
import { aborted, within } from "../runtime/abort.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { noFailpoints, type PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log.ts";
import type { RawRecord } from "./decode_records.ts";
import { PartitionReader } from "./partition_reader.ts";
import type { PartitionProgress, WriterStats } from "./stats.ts";

/** kafkajs lets a heartbeat through 3 s after the last one; a slower tick would miss every second. */
const HEARTBEAT_TICK_MS = 1_000;
/** Kafka's commit is for lag tools only, so a batch waits no longer for it. */
const COMMIT_WAIT_MS = 2_000;
/** While nothing can be stored, the topic's ends are asked for this often: fetches tell none then. */
const ENDS_EVERY_MS = 10_000;
/**
 * A topic that is deleted while a fetch is under way fails that fetch, and the group is joined again.
 * When no fetch was under way for this long, it may have been made anew unseen: the next one checks.
 */
const UNWATCHED_MS = 2_000;

/** How often partitions that bring nothing new are held against the database. */
const LOOK_MS = 15_000;

/** What the group is handed. */
export interface GroupDeps {
  kafka: Kafka;
  config: KafkaConfig;
  store: ResultStore;
  stats: WriterStats;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  maxBatchMessages: number;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
  /** Ends the consumer for good: another one must take its place. */
  fail(error: Error): void;
}

/** What the broker gave us to read, until the next join. */
interface Assignment {
  controller: AbortController;
  /** Resolves when it ends. */
  ended: Promise<void>;
  readers: Map<number, PartitionReader>;
}

/** This process's part in the consumer group: a reader for each partition assigned to it. */
export class Group {
  readonly #consumer: Consumer;
  readonly #clusterId: string;
  readonly #deps: GroupDeps;
  #assignment = newAssignment();
  /** The look that can still be joined. */
  #view: Promise<TopicView> | null = null;
  #endsAskedAt = -Infinity;
  /** By broker: when its last fetch ended. */
  readonly #fetchedAt = new Map<string, number>();
  readonly #spells = { place: { told: false }, store: { told: false } };

  constructor(consumer: Consumer, clusterId: string, deps: GroupDeps) {
    this.#consumer = consumer;
    this.#clusterId = clusterId;
    this.#deps = deps;
    const { clock, config, stats } = deps;
    const { FETCH_START, FETCH, GROUP_JOIN, REBALANCING } = consumer.events;
    consumer.on(REBALANCING, () => stats.joined = false);
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#assign(payload.memberAssignment[config.topic] ?? []);
    });
    consumer.on(FETCH, ({ payload }) => {
      this.#fetchedAt.set(String(payload.nodeId), clock.monotonic());
    });
    consumer.on(FETCH_START, ({ payload }) => {
      const last = this.#fetchedAt.get(String(payload.nodeId)) ?? clock.monotonic();
      if (clock.monotonic() - last > UNWATCHED_MS) this.#recheck();
    });
  }

  /** Ends the assignment; what is under way for it stores nothing more than it has begun to. */
  leave(): void {
    this.#assignment.controller.abort(new RejoinError("The assignment has ended"));
    const { stats } = this.#deps;
    stats.joined = false;
    stats.partitions.clear();
  }

  #assign(partitions: readonly number[]): void {
    this.leave();
    this.#assignment = newAssignment();
    this.#fetchedAt.clear();
    const { log, stats, signal } = this.#deps;
    log.info({ partitions }, "Joined the consumer group");
    stats.joins++;
    stats.joined = true;
    const either = AbortSignal.any([this.#assignment.controller.signal, signal]);
    for (const partition of partitions) {
      const progress: PartitionProgress = { position: null, end: null, failing: null };
      stats.partitions.set(partition, progress);
      const reader = this.#createReader(partition, progress, either);
      this.#assignment.readers.set(partition, reader);
      reader.prepare();
    }
    void this.#lookAround(this.#assignment);
  }

  async #lookAround({ controller: { signal }, readers }: Assignment): Promise<void> {
    while (true) {
      await sleep(this.#deps.clock, LOOK_MS, signal);
      if (signal.aborted) return;
      for (const reader of readers.values()) await reader.look();
    }
  }

  /** Of all partitions: which of them this broker's fetch is for, kafkajs does not tell. */
  #recheck(): void {
    for (const reader of this.#assignment.readers.values()) reader.recheck();
  }

  #createReader(
    partition: number,
    progress: PartitionProgress,
    signal: AbortSignal,
  ): PartitionReader {
    const { topic } = this.#deps.config;
    return new PartitionReader({ clusterId: this.#clusterId, topic, partition }, {
      ...this.#deps,
      progress,
      isPassing,
      signal,
      bounds: async () => {
        const bounds = (await this.#viewTopic()).bounds.get(partition);
        if (!bounds) throw new Error(`Topic "${topic}" has no partition ${partition} any more`);
        return bounds;
      },
      seek: (offset) => {
        if (!signal.aborted) this.#consumer.seek({ topic, partition, offset: String(offset) });
      },
      storeFailed: () => this.#askEnds(),
      spells: this.#spells,
      advise: adviceFor,
    });
  }

  /**
   * One look for all partitions that ask before it sees anything: a stored offset must not be held
   * against an end that was seen before the offset was read.
   */
  #viewTopic(): Promise<TopicView> {
    if (this.#view) return this.#view;
    const { kafka, config, fail } = this.#deps;
    const close = () => {
      if (this.#view === view) this.#view = null;
    };
    const view = viewTopic(kafka, config.topic, close).then((view) => {
      if (view.clusterId === this.#clusterId) return view;
      const error = new Error(
        `The address now leads to cluster "${view.clusterId}", not "${this.#clusterId}"`,
      );
      fail(error);
      throw error;
    }).finally(close);
    this.#view = view;
    return view;
  }

  /** Keeps the lag true while nothing is stored, and so nothing more is fetched. */
  #askEnds(): void {
    const { clock, stats, log } = this.#deps;
    const now = clock.monotonic();
    if (now - this.#endsAskedAt < ENDS_EVERY_MS) return;
    this.#endsAskedAt = now;
    this.#viewTopic().then(({ bounds }) => {
      for (const [partition, progress] of stats.partitions) {
        progress.end = bounds.get(partition)?.high ?? progress.end;
      }
    }).catch((error) => log.debug({ error }, "Kafka did not tell the topic's ends"));
  }

  /** Stores one fetch of one partition; called by kafkajs. */
  async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { clock, stats } = this.#deps;
    const assignment = this.#assignment;
    const { signal } = assignment.controller;
    this.#throwIfEnded(signal);
    const reader = assignment.readers.get(batch.partition);
    if (!reader) return;
    // kafkajs heartbeats only between batches; a transaction or a database away may take longer.
    const beat = setInterval(() => {
      payload.heartbeat().catch((error) => {
        if (isGroupChange(error)) assignment.controller.abort(error);
      });
    }, HEARTBEAT_TICK_MS);
    try {
      await Promise.race([reader.prepared(), assignment.ended]);
      this.#throwIfEnded(signal);
      // Fetched before the place to read from was found: it comes again from there.
      if (payload.isStale()) return;
      const progress = stats.partitions.get(batch.partition);
      if (progress) progress.end = BigInt(batch.highWatermark);
      const next = await reader.take({
        fetchedFrom: BigInt((batch as Batch & { fetchedOffset: string }).fetchedOffset),
        nextOffset: BigInt(batch.lastOffset()) + 1n,
        records: batch.messages.map(toRecord),
      });
      if (next !== null) {
        if (!payload.isStale()) payload.resolveOffset(batch.lastOffset());
        await within(clock, COMMIT_WAIT_MS, this.#commit(batch.partition, next));
        const { passFailpoint = noFailpoints } = this.#deps;
        passFailpoint("writer.after_both");
      }
      this.#throwIfEnded(signal);
    } finally {
      clearInterval(beat);
    }
  }

  /**
   * Tells kafkajs that the group must be joined again. Without it, kafkajs goes on by itself after a
   * join that failed, as a member that the group does not know and whose readers have ended.
   */
  #throwIfEnded(assignment: AbortSignal): void {
    if (assignment.aborted && !this.#deps.signal.aborted) throw assignment.reason;
  }

  /** For lag tools only: what counts is in the database. So a failure is no more than a word. */
  async #commit(partition: number, nextOffset: bigint): Promise<void> {
    const { topic } = this.#deps.config;
    try {
      await this.#consumer.commitOffsets([{ topic, partition, offset: String(nextOffset) }]);
    } catch (error) {
      this.#deps.log.debug({ error, partition }, "Kafka did not take the commit");
    }
  }
}

/** In the shape by which kafkajs knows that it must join again. */
class RejoinError extends Error {
  override readonly name = "KafkaJSProtocolError";
  readonly type = "REBALANCE_IN_PROGRESS";
}

function newAssignment(): Assignment {
  const controller = new AbortController();
  return { controller, ended: aborted(controller.signal), readers: new Map() };
}

const GROUP_CHANGES = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "NOT_COORDINATOR_FOR_GROUP",
]);

/** Whether a heartbeat was answered with "join again"; other failures heal or end the session. */
function isGroupChange(error: unknown): boolean {
  return GROUP_CHANGES.has(brokerErrorOf(error)?.type ?? "");
}

function toRecord(message: Batch["messages"][number]): RawRecord {
  return {
    offset: BigInt(message.offset),
    timestamp: BigInt(message.timestamp),
    key: message.key,
    value: message.value,
  };
}

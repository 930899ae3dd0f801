import type { Batch, Consumer, EachBatchPayload, Kafka } from "kafkajs";
import type { KafkaConfig } from "../config/types.ts";
import type { IncomingRecord, ResultStore } from "../db/store.ts";
import { viewTopic } from "../kafka/cluster.ts";
import { brokerErrorOf, isPassing } from "../kafka/failure.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log.ts";
import { decode } from "../wire/decode.ts";
import { PartitionReader } from "./partition_reader.ts";
import type { WriterStats } from "./stats.ts";

/** A broker holds a fetch no longer than this, so that a stop or a seek need not wait for more. */
const MAX_FETCH_WAIT_MS = 5_000;
/** Below 1 MB a partition and fetch, throughput falls (256 kB: 0.67 of it). */
const MAX_BYTES_PER_PARTITION = 1024 * 1024;
/** A broker answers a fetch at once when it has this much. */
const MIN_BYTES = 64 * 1024;
const HEARTBEAT_MS = 3_000;
/** How often partitions that bring nothing new are held against the database. */
const LOOK_MS = 15_000;
/** A writer that died holds its partitions for this long. */
const SESSION_TIMEOUT_MS = 15_000;

const GROUP_CHANGES = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "NOT_COORDINATOR_FOR_GROUP",
]);

/** What consuming is handed. */
export interface ConsumeDeps {
  kafka: Kafka;
  config: KafkaConfig;
  store: ResultStore;
  stats: WriterStats;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  maxBatchMessages: number;
  /** Partitions stored side by side, each in a connection of its own. */
  concurrency: number;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
}

/**
 * Joins the consumer group and stores what the topic brings until `signal` aborts.
 *
 * @throws What ended the consumer, where kafkajs does not start it again by itself
 */
export async function consume(deps: ConsumeDeps): Promise<void> {
  const { kafka, config, signal } = deps;
  const { topic } = config;
  const { clusterId } = await viewTopic(kafka, topic);
  const consumer = kafka.consumer({
    groupId: config.consumerGroup,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: Math.min(config.batchTimeoutMs, MAX_FETCH_WAIT_MS),
    minBytes: MIN_BYTES,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    allowAutoTopicCreation: false,
    retry: { retries: 5 },
  });
  const group = new Group(consumer, clusterId, deps);
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const crashed = new Promise<never>((_, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) return reject(payload.error);
        // A new broker's first answer is "coordinator is loading".
        const level = isPassing(payload.error) ? "info" : "error";
        deps.log[level]({ error: payload.error }, "The consumer failed, kafkajs starts it again");
      });
    });
    crashed.catch(() => {}); // it may come when nobody waits for it any more
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: deps.concurrency,
      eachBatch: (payload) => group.eachBatch(payload),
    });
    await Promise.race([crashed, aborted(signal)]);
  } finally {
    group.leave();
    await consumer.disconnect();
  }
}

/** This process's part in the consumer group: a reader for each partition assigned to it. */
class Group {
  readonly #consumer: Consumer;
  readonly #clusterId: string;
  readonly #deps: ConsumeDeps;
  #readers = new Map<number, PartitionReader>();
  /** Ends what an assignment began; a new one takes its place at each join. */
  #assignment = new AbortController();

  constructor(consumer: Consumer, clusterId: string, deps: ConsumeDeps) {
    this.#consumer = consumer;
    this.#clusterId = clusterId;
    this.#deps = deps;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assign(payload.memberAssignment[deps.config.topic] ?? []);
    });
  }

  leave(): void {
    this.#assignment.abort();
    this.#readers.clear();
  }

  #assign(partitions: readonly number[]): void {
    this.leave();
    this.#assignment = new AbortController();
    this.#deps.log.info({ partitions }, "Joined the consumer group");
    for (const partition of partitions) {
      const reader = this.#createReader(partition, this.#assignment.signal);
      this.#readers.set(partition, reader);
      reader.prepare();
    }
    void this.#lookAround(this.#assignment.signal);
  }

  async #lookAround(signal: AbortSignal): Promise<void> {
    while (true) {
      await sleep(this.#deps.clock, LOOK_MS, signal);
      if (signal.aborted) return;
      for (const reader of this.#readers.values()) await reader.look();
    }
  }

  #createReader(partition: number, signal: AbortSignal): PartitionReader {
    const { kafka, config: { topic }, ...deps } = this.#deps;
    return new PartitionReader({ clusterId: this.#clusterId, topic, partition }, {
      ...deps,
      isPassing,
      signal: AbortSignal.any([signal, deps.signal]),
      bounds: async () => {
        const bounds = (await viewTopic(kafka, topic)).bounds.get(partition);
        if (!bounds) throw new Error(`Topic "${topic}" has no partition ${partition} any more`);
        return bounds;
      },
      seek: (offset) => {
        if (!signal.aborted) this.#consumer.seek({ topic, partition, offset: String(offset) });
      },
      committed: (nextOffset) => this.#commit(partition, nextOffset, signal),
    });
  }

  /** For lag tools only: what counts is in the database. So a failure is no more than a word. */
  async #commit(partition: number, nextOffset: bigint, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { topic } = this.#deps.config;
    try {
      await this.#consumer.commitOffsets([{ topic, partition, offset: String(nextOffset) }]);
    } catch (error) {
      this.#deps.log.debug({ error, partition }, "Kafka did not take the commit");
    }
  }

  async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const reader = this.#readers.get(batch.partition);
    if (!reader) return;
    const assignment = this.#assignment;
    // kafkajs heartbeats only between batches; a transaction or a database away may take longer.
    let lost: unknown = null;
    const beat = setInterval(() => {
      payload.heartbeat().catch((error) => {
        if (!isGroupChange(error)) return;
        lost ??= error;
        assignment.abort();
      });
    }, HEARTBEAT_MS);
    try {
      await reader.prepared();
      if (lost !== null) throw lost;
      // Fetched before the place to read from was found: it comes again from there.
      if (payload.isStale()) return;
      const done = await reader.take({
        fetchedFrom: BigInt((batch as Batch & { fetchedOffset: string }).fetchedOffset),
        nextOffset: BigInt(batch.lastOffset()) + 1n,
        records: batch.messages.map(toRecord),
      });
      if (lost !== null) throw lost;
      if (done && !payload.isStale()) payload.resolveOffset(batch.lastOffset());
    } finally {
      clearInterval(beat);
    }
  }
}

/** Whether a heartbeat was answered with "join again"; other failures heal or end the session. */
function isGroupChange(error: unknown): boolean {
  return GROUP_CHANGES.has(brokerErrorOf(error)?.type ?? "");
}

function toRecord(message: Batch["messages"][number]): IncomingRecord {
  return {
    offset: BigInt(message.offset),
    timestamp: BigInt(message.timestamp),
    key: message.key,
    value: message.value,
    decoded: decode(message.value),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

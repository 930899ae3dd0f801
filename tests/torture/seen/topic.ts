import type { Admin, Kafka } from "kafkajs";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { withAdmin } from "../../../kafka/cluster.ts";
import { createTopic } from "../../../kafka/topic.ts";
import { quietKafka } from "../../../local/kafka/client.ts";
import { useOddZstd } from "../load/odd_zstd.ts";

/** Of a round's topic. */
export const PARTITIONS = 6;
/** The broker stands in the same machine: without a record for so long, none comes any more. */
const SILENCE_MS = 30_000;

/** A record as it stands in the topic. */
export interface TopicRecord {
  partition: number;
  offset: string;
  key: string | null;
  /** Base64; null: a tombstone. */
  value: string | null;
}

function client(brokers: readonly string[]): Kafka {
  return quietKafka(brokers, {
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { retries: 8, initialRetryTime: 200 },
  });
}

/** Does something as the cluster's administrator. */
export function asAdmin<T>(
  brokers: readonly string[],
  run: (admin: Admin) => Promise<T>,
): Promise<T> {
  return withAdmin(client(brokers), run);
}

/**
 * Makes a topic as the product's own are made.
 *
 * @throws {Error} When it is there already
 */
export async function makeTopic(
  brokers: readonly string[],
  topic: string,
  partitions: number,
): Promise<void> {
  await asAdmin(brokers, async (admin) => {
    const made = await createTopic(admin, {
      topic,
      numPartitions: partitions,
      configEntries: [
        { name: "message.timestamp.type", value: "LogAppendTime" },
        { name: "max.message.bytes", value: "4000000" },
      ],
    });
    if (!made) throw new Error(`The topic "${topic}" is there already`);
  });
}

/** Where each partition begins and ends. */
async function boundsOf(brokers: readonly string[], topic: string, partitions: number) {
  const offsets = await asAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  const bounds = new Map(
    offsets.map(({ partition, low, high }) => [
      partition,
      { low: BigInt(low), end: BigInt(high) },
    ]),
  );
  const found = [...bounds.keys()].sort((a, b) => a - b).join(", ");
  if (found !== Array.from({ length: partitions }, (_, i) => i).join(", ")) {
    throw new Error(
      `Of ${partitions} partitions of the topic "${topic}", these answered: ${found}`,
    );
  }
  return bounds;
}

/**
 * The offset after the last record, by partition.
 *
 * @throws {Error} Unless each of `partitions` answered
 */
export async function endOffsets(
  brokers: readonly string[],
  topic: string,
  partitions = PARTITIONS,
): Promise<Map<number, bigint>> {
  const bounds = await boundsOf(brokers, topic, partitions);
  return new Map([...bounds].map(([partition, { end }]) => [partition, end]));
}

/**
 * Every record that is in the topic now.
 *
 * @throws {Error} Unless each partition gave as many as there are between its bounds
 */
export async function readRecords(
  brokers: readonly string[],
  topic: string,
  partitions = PARTITIONS,
): Promise<TopicRecord[]> {
  const bounds = await boundsOf(brokers, topic, partitions);
  const missing = new Map([...bounds].map(([partition, { low, end }]) => [partition, end - low]));
  const isWhole = () => [...missing.values()].every((count) => count === 0n);
  const records: TopicRecord[] = [];
  if (isWhole()) return records;
  useOddZstd();
  const consumer = client(brokers).consumer({
    groupId: `torture-reader-${randomUUID()}`,
    allowAutoTopicCreation: false,
  });
  await consumer.connect();
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // it may reject before it is awaited below
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => reject(incomplete(topic, missing)), SILENCE_MS);
    };
    listen();
    consumer.on("consumer.crash", ({ payload }) => {
      if (!payload.restart) reject(payload.error);
    });
    const seen = new Set<string>();
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch: { partition, messages } }) => {
        const { low, end } = bounds.get(partition)!;
        for (const { offset, key, value } of messages) {
          const place = `${partition}/${offset}`;
          if (seen.has(place) || BigInt(offset) < low || BigInt(offset) >= end) continue;
          seen.add(place);
          records.push({
            partition,
            offset,
            key: key && Buffer.from(key).toString(),
            value: value && Buffer.from(value).toString("base64"),
          });
          missing.set(partition, missing.get(partition)! - 1n);
        }
        listen();
        if (isWhole()) resolve();
        return Promise.resolve();
      },
    });
    await promise;
  } finally {
    clearTimeout(silence);
    await consumer.disconnect();
  }
  return records;
}

function incomplete(topic: string, missing: ReadonlyMap<number, bigint>): Error {
  const which = [...missing].filter(([, count]) => count > 0n)
    .map(([partition, count]) => `${count} of partition ${partition}`).join(", ");
  return new Error(`The topic "${topic}" was not read to its end: it lacks ${which}`);
}

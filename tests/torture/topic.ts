import { type Admin, Kafka, logLevel } from "kafkajs";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";

/** A record as it stands in the topic. */
export interface TopicRecord {
  partition: number;
  offset: string;
  key: string | null;
  /** Base64; null: a tombstone. */
  value: string | null;
}

function client(brokers: readonly string[]): Kafka {
  return new Kafka({
    clientId: "torture-reader",
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { retries: 8, initialRetryTime: 200 },
  });
}

/** Does something as the cluster's administrator. */
export async function asAdmin<T>(
  brokers: readonly string[],
  run: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    return await run(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Makes a topic as the product's own are made. */
export async function makeTopic(
  brokers: readonly string[],
  topic: string,
  partitions: number,
): Promise<void> {
  await asAdmin(brokers, (admin) =>
    admin.createTopics({
      waitForLeaders: true,
      topics: [{
        topic,
        numPartitions: partitions,
        configEntries: [
          { name: "message.timestamp.type", value: "LogAppendTime" },
          { name: "max.message.bytes", value: "4000000" },
        ],
      }],
    }));
}

/** The offset after the last record, by partition. */
export async function endOffsets(
  brokers: readonly string[],
  topic: string,
): Promise<Map<number, bigint>> {
  const offsets = await asAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
}

/** Every record that is in the topic now. */
export async function readRecords(
  brokers: readonly string[],
  topic: string,
): Promise<TopicRecord[]> {
  const left = new Map([...await endOffsets(brokers, topic)].filter(([, end]) => end > 0n));
  const records: TopicRecord[] = [];
  if (left.size === 0) return records;
  const consumer = client(brokers).consumer({ groupId: `torture-reader-${randomUUID()}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    consumer.on("consumer.crash", ({ payload }) => {
      if (!payload.restart) reject(payload.error);
    });
    const seen = new Set<string>();
    await consumer.run({
      eachMessage: ({ partition, message: { offset, key, value } }) => {
        const place = `${partition}/${offset}`;
        if (!seen.has(place)) {
          seen.add(place);
          records.push({
            partition,
            offset,
            key: key === null ? null : Buffer.from(key).toString(),
            value: value === null ? null : Buffer.from(value).toString("base64"),
          });
        }
        const end = left.get(partition);
        if (end !== undefined && BigInt(offset) + 1n >= end) left.delete(partition);
        if (left.size === 0) resolve();
        return Promise.resolve();
      },
    });
    await promise;
  } finally {
    await consumer.disconnect();
  }
  return records;
}

import type { Admin, Kafka, KafkaJSError } from "kafkajs";
import { randomUUID } from "node:crypto";

/** Offset of a partition's next record, by partition. */
export type Ends = ReadonlyMap<number, bigint>;

/** A record of the topic. */
export interface TopicRecord {
  partition: number;
  offset: bigint;
  value: string | null;
}

/** A topic that was made just now has no leaders yet; it takes some milliseconds. */
const LEADERS_MS = 60_000;

/** The ends of all partitions of a topic; empty where there is no such topic. */
export async function topicEnds(admin: Admin, topic: string): Promise<Ends> {
  if (!(await admin.listTopics()).includes(topic)) return new Map();
  const deadline = performance.now() + LEADERS_MS;
  while (true) {
    try {
      const offsets = await admin.fetchTopicOffsets(topic);
      return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
    } catch (error) {
      if (!(error as KafkaJSError).retriable || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** How many records there are from `from` to `to`. */
export function countBetween(from: Ends, to: Ends): number {
  let count = 0n;
  for (const [partition, end] of to) count += end - (from.get(partition) ?? 0n);
  return Number(count);
}

/**
 * Reads a topic from `from` to `to`, with nothing of httpmon's own reading code.
 *
 * @throws if that takes longer than `ms`.
 */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  from: Ends,
  to: Ends,
  ms: number,
): Promise<TopicRecord[]> {
  const left = new Set([...to].filter(([p, end]) => end > (from.get(p) ?? 0n)).map(([p]) => p));
  const records: TopicRecord[] = [];
  if (left.size === 0) return records;
  const consumer = kafka.consumer({ groupId: `httpmon-demo-${randomUUID()}` });
  await consumer.connect();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = () =>
        reject(new Error(`The topic "${topic}" could not be read in ${ms / 1000} s`));
      timer = setTimeout(late, ms);
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.run({
        autoCommit: false,
        // deno-lint-ignore require-await
        eachMessage: async ({ partition, message }) => {
          const offset = BigInt(message.offset);
          const end = to.get(partition) ?? 0n;
          if (offset >= (from.get(partition) ?? 0n) && offset < end) {
            records.push({ partition, offset, value: message.value?.toString() ?? null });
          }
          if (offset >= end - 1n) left.delete(partition);
          if (left.size === 0) resolve();
        },
      }).catch(reject);
    });
    return records;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
}

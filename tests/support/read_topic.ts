import { randomUUID } from "node:crypto";
import { quietKafka } from "../../local/kafka/client.ts";
import { kafkaForTests } from "./stack.ts";
import { administer } from "./topic_io.ts";

/** The values of all records that are in a topic now, partition by partition. */
export async function readTopic(topic: string): Promise<(Uint8Array | null)[]> {
  const ends = await administer((admin) => admin.fetchTopicOffsets(topic));
  const left = new Map(
    ends.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, high]),
  );
  if (left.size === 0) return [];
  const values: (Uint8Array | null)[] = [];
  const { brokers } = await kafkaForTests();
  const consumer = quietKafka(brokers).consumer({ groupId: `reader-${randomUUID()}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    consumer.on("consumer.crash", ({ payload }) => reject(payload.error));
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        const end = left.get(partition);
        if (end === undefined) return Promise.resolve();
        values.push(message.value);
        if (BigInt(message.offset) + 1n >= BigInt(end)) left.delete(partition);
        if (left.size === 0) resolve();
        return Promise.resolve();
      },
    });
    await promise;
  } finally {
    await consumer.disconnect();
  }
  return values;
}

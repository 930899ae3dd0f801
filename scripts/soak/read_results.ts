import { randomUUID } from "node:crypto";
import { withAdmin } from "../../kafka/cluster.ts";
import { quietKafka } from "../../local/kafka/client.ts";

/** How many records are in a topic; 0 where it is not there yet. */
export async function recordsIn(brokers: readonly string[], topic: string): Promise<number> {
  const counts = (await topicEnds(brokers, topic)).map(({ low, high }) =>
    Number(high) - Number(low)
  );
  return counts.reduce((total, count) => total + count, 0);
}

/** Hands `take` the value of each record that is in the topic now, partition by partition. */
export async function readResults(
  brokers: readonly string[],
  topic: string,
  take: (value: Uint8Array | null) => void,
): Promise<void> {
  const left = new Map(
    (await topicEnds(brokers, topic))
      .filter(({ low, high }) => low !== high)
      .map(({ partition, high }) => [partition, BigInt(high)]),
  );
  if (left.size === 0) return;
  // A broker that was busy all along may take its time to make the groups' own topic.
  const retry = { retries: 20 };
  const consumer = quietKafka(brokers).consumer({ groupId: `soak-${randomUUID()}`, retry });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    consumer.on("consumer.crash", ({ payload }) => reject(payload.error));
    await consumer.run({
      eachBatch: ({ batch: { partition, messages } }) => {
        const end = left.get(partition);
        for (const { offset, value } of end === undefined ? [] : messages) {
          if (BigInt(offset) < end!) take(value);
          if (BigInt(offset) + 1n >= end!) left.delete(partition);
        }
        if (left.size === 0) resolve();
        return Promise.resolve();
      },
    });
    await promise;
  } finally {
    await consumer.disconnect();
  }
}

function topicEnds(brokers: readonly string[], topic: string) {
  return withAdmin(quietKafka(brokers), async (admin) => {
    const topics = await admin.listTopics();
    return topics.includes(topic) ? await admin.fetchTopicOffsets(topic) : [];
  });
}

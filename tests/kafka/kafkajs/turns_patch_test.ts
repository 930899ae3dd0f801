import { assertEquals } from "@std/assert";
import SubscriptionState from "kafkajs/src/consumer/subscriptionState.js";
import { patchTurns } from "../../../kafka/kafkajs/turns_patch.ts";
import { administer, produce } from "../../support/topic_io.ts";
import { freshTopic } from "../../support/stack.ts";
import { clientFor } from "../read_topic.ts";

Deno.test("patchTurns() has each partition asked for first in its turn, paused ones too", () => {
  patchTurns();
  const state = new SubscriptionState();
  state.assign([{ topic: "t", partitions: [0, 1, 2] }]);
  state.pause([{ topic: "t", partitions: [1] }]);
  const orders = Array.from({ length: 4 }, () => state.assigned()[0]!.partitions);
  assertEquals(orders, [[1, 2, 0], [2, 0, 1], [0, 1, 2], [1, 2, 0]]);
  assertEquals(state.active(), [{ topic: "t", partitions: [0, 2] }]);
});

Deno.test("createKafka() reads from every partition in turn where each has a backlog", async () => {
  const partitions = 6, messages = 12;
  const topic = await freshTopic({ partitions });
  for (let n = 0; n < messages; n++) {
    // A batch each, as large as one partition's part of a fetch.
    await produce(
      topic,
      Array.from({ length: partitions }, (_, partition) => ({
        value: "x".repeat(2_000),
        partition,
      })),
    );
  }
  await administer((admin) => admin.fetchTopicOffsets(topic));
  const { kafka } = await clientFor(topic);
  const consumer = kafka.consumer({ groupId: topic, maxBytesPerPartition: 2_500, maxBytes: 5_000 });
  const read: number[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachBatch: ({ batch }) => {
        for (const _ of batch.messages) read.push(batch.partition);
        if (read.length === partitions * messages) resolve();
        return Promise.resolve();
      },
    });
    await done;
  } finally {
    await consumer.disconnect();
  }
  // Before any of them is at its end, all have begun.
  const seen = new Set<number>();
  const counts = new Map<number, number>();
  for (const partition of read) {
    seen.add(partition);
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
    if (counts.get(partition) === messages) break;
  }
  assertEquals(seen.size, partitions);
});

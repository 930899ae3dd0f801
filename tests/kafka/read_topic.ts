import type { Kafka } from "kafkajs";
import { createKafka } from "../../kafka/client.ts";
import type { KafkaConfig } from "../../config/types.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";
import { kafkaForTests } from "../support/stack.ts";

/** A client of the tests' Kafka, made as the product makes it. */
export async function clientFor(topic: string): Promise<{ kafka: Kafka; config: KafkaConfig }> {
  const { brokers } = await kafkaForTests();
  const { kafka: config } = loadedConfig("writer", {
    kafka: { monitoring: { bootstrap_servers: brokers, topic } },
    database: { dsn: "postgres://unused" },
  });
  return { kafka: createKafka(config, "httpmon-test", recordingLog()), config };
}

/** Reads a topic of one partition from its beginning until `last` has come, and gives the values. */
export async function readUntil(kafka: Kafka, topic: string, last: string): Promise<string[]> {
  const values: string[] = [];
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const consumer = kafka.consumer({
    groupId: topic,
    // A broker that has just started loads its groups for a moment.
    retry: { retries: 10, restartOnFailure: () => Promise.resolve(false) },
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachBatch: ({ batch }) => {
        values.push(...batch.messages.map(({ value }) => String(value)));
        if (values.at(-1) === last) resolve();
        return Promise.resolve();
      },
    });
    await done;
  } finally {
    await consumer.disconnect();
  }
  return values;
}

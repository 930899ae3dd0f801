import { assertEquals, assertRejects } from "@std/assert";
import type { Kafka } from "kafkajs";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { freePort } from "../../local/ports.ts";
import { createKafka } from "../../kafka/client.ts";
import { ensureTopic, hasBrokerTime } from "../../kafka/topic.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";

function kafkaConfig(servers: readonly string[], topic: string) {
  return loadedConfig("agent", {
    kafka: { monitoring: { bootstrap_servers: servers, topic, topic_partitions: 2 } },
    websites: { "https://one.example/": {} },
  }).kafka;
}

Deno.test("ensureTopic() by several at once makes one topic, with the broker's time", async () => {
  const { brokers } = await kafkaForTests();
  const config = kafkaConfig(brokers, `test-${crypto.randomUUID()}`);
  const logs = [1, 2, 3].map(() => recordingLog());
  const clients = logs.map((log) => createKafka(config, "httpmon-test", log));
  assertEquals(await hasBrokerTime(clients[0]!, config.topic), null);
  await Promise.all(clients.map((kafka, n) => ensureTopic(kafka, config, logs[n]!)));
  const made = logs.flatMap(({ lines }) => lines.filter(({ level }) => level === "notice"));
  assertEquals(made.map(({ message, fields }) => [message, fields.partitions]), [
    ["Made the topic", 2],
  ]);
  assertEquals(await hasBrokerTime(clients[0]!, config.topic), true);
  const other = await freshTopic({ config: { "message.timestamp.type": "CreateTime" } });
  assertEquals(await hasBrokerTime(clients[0]!, other), false);
});

Deno.test("ensureTopic() waits for a broker that does not know the new topic yet", async () => {
  const unknown = createErrorFromCode(3);
  let answers = 0;
  const admin = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    fetchTopicMetadata: () => Promise.reject(unknown),
    // kafkajs's own wait asks once.
    createTopics: ({ waitForLeaders }: { waitForLeaders: boolean }) =>
      waitForLeaders ? Promise.reject(unknown) : Promise.resolve(true),
    fetchTopicOffsets: () => ++answers < 3 ? Promise.reject(unknown) : Promise.resolve([]),
  };
  const log = recordingLog();
  const kafka = { admin: () => admin } as unknown as Kafka;
  await ensureTopic(kafka, kafkaConfig(["127.0.0.1:1"], "any"), log);
  assertEquals([answers, log.lines.map(({ message }) => message)], [3, ["Made the topic"]]);
});

Deno.test("hasBrokerTime() fails where no broker is", async () => {
  const config = kafkaConfig([`127.0.0.1:${await freePort()}`], "any");
  const kafka = createKafka({ ...config, requestTimeoutMs: 1_000 }, "httpmon-test", recordingLog());
  await assertRejects(() => hasBrokerTime(kafka, "any"), Error);
});

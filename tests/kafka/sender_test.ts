import { assert, assertEquals, assertRejects } from "@std/assert";
import { randomUUID } from "node:crypto";
import { createKafka } from "../../kafka/client.ts";
import { RefusedError } from "../../kafka/errors.ts";
import { createSender } from "../../kafka/sender.ts";
import { waitFor } from "../../local/wait.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { administer } from "../support/topic_io.ts";

async function senderFor(
  topic: string,
  keys: Record<string, unknown> = {},
  options?: Parameters<typeof createSender>[3],
) {
  const { brokers } = await kafkaForTests();
  const { kafka: config } = loadedConfig("writer", {
    kafka: { monitoring: { bootstrap_servers: brokers, topic, ...keys } },
    database: { dsn: "postgres://unused" },
  });
  const log = recordingLog();
  const sender = createSender(createKafka(config, "httpmon-test", log), config, log, options);
  return { ...sender, log, [Symbol.asyncDispose]: () => sender.close() };
}

Deno.test("createSender() makes the topic as the config says, with the broker's time", async () => {
  const topic = `made-${randomUUID()}`;
  await using sender = await senderFor(topic, {
    topic_partitions: 3,
    topic_retention_ms: 3_600_000,
  });
  await sender.send([{ key: "a", value: "1" }]);
  await administer(async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    assertEquals(topics[0]!.partitions.length, 3);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topic }],
    });
    const settings = new Map(
      resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
    assertEquals(settings.get("retention.ms"), "3600000");
    assertEquals(settings.get("message.timestamp.type"), "LogAppendTime");
    assertEquals(settings.get("compression.type"), "producer");
  });
  assertEquals(sender.log.lines.filter(({ level }) => level === "notice").length, 1);
});

Deno.test("createSender() keeps messages of one key in one partition, in order", async () => {
  const topic = await freshTopic({ partitions: 4 });
  await using sender = await senderFor(topic);
  for (let i = 0; i < 5; i++) await sender.send([{ key: "same", value: String(i) }]);
  const offsets = await administer((admin) => admin.fetchTopicOffsets(topic));
  assertEquals(offsets.map(({ high }) => Number(high)).sort(), [0, 0, 0, 5]);
});

Deno.test("createSender() sends to partitions that were added within 60 s", async () => {
  const topic = await freshTopic({ partitions: 1 });
  await using sender = await senderFor(topic);
  const batch = Array.from({ length: 40 }, (_, i) => ({ key: `site ${i}`, value: String(i) }));
  await sender.send(batch);
  await administer((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] }));
  const { now } = Date;
  Date.now = () => now() + 60_000;
  try {
    // A new partition may be without a leader for a moment: sent again then, as an agent does.
    await waitFor("a message in each partition", async () => {
      try {
        await sender.send(batch);
        const offsets = await administer((admin) => admin.fetchTopicOffsets(topic));
        return offsets.length === 4 && offsets.every(({ high }) => high !== "0");
      } catch {
        return false;
      }
    }, 60_000);
  } finally {
    Date.now = now;
  }
});

for (const acks of [0, 1, "all"]) {
  Deno.test(`createSender() sends with acks ${acks}`, async () => {
    const topic = await freshTopic();
    await using sender = await senderFor(topic, { acks });
    await sender.send([{ key: "a", value: "1" }]);
    const hasArrived = async () => {
      const [offsets] = await administer((admin) => admin.fetchTopicOffsets(topic));
      return offsets!.high === "1";
    };
    await waitFor("the message", hasArrived, 60_000);
  });
}

Deno.test("createSender() tells a message that the broker will never take from a passing failure", async () => {
  const topic = await freshTopic({ config: { "max.message.bytes": "1000" } });
  await using sender = await senderFor(topic);
  const error = await assertRejects(
    () => sender.send([{ key: "a", value: "x".repeat(5_000) }]),
    RefusedError,
  );
  assertEquals(error.reason, "MESSAGE_TOO_LARGE");
  await sender.send([{ key: "a", value: "small" }]);
});

Deno.test("createSender() rejects while there is no broker", async () => {
  await using sender = await senderFor("any", {
    bootstrap_servers: "127.0.0.1:1",
    request_timeout_ms: 1_000,
  });
  const error = await assertRejects(() => sender.send([{ key: "a", value: "1" }]));
  assert(!(error instanceof RefusedError));
});

Deno.test("createSender() tells how far the clock is from the broker's", async () => {
  const topic = `made-${randomUUID()}`;
  for (const aheadMs of [0, 86_400_000, -86_400_000]) {
    const skews: number[] = [];
    await using sender = await senderFor(topic, {}, {
      clock: { now: () => Date.now() + aheadMs },
      onSkew: (ms) => skews.push(ms),
    });
    await sender.send([{ key: "a", value: "1" }]);
    // The way to the broker and back is all that it cannot know.
    assertEquals(skews.map((ms) => Math.abs(Math.round((ms - aheadMs) / 3_600_000))), [0]);
  }
});

Deno.test("createSender() says where there are too few brokers for the topic", async () => {
  await using sender = await senderFor(`made-${randomUUID()}`, { topic_replication_factor: 3 });
  await assertRejects(
    () => sender.send([{ key: "a", value: "1" }]),
    Error,
    '"topic_replication_factor" is 3, for which there are too few brokers',
  );
});

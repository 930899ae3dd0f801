/** kafkajs's own producer over brokers that stand in for a cluster whose leaders move. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Kafka, ProducerConfig } from "kafkajs";
import createProducer from "kafkajs/src/producer/index.js";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { createSender } from "../../kafka/sender.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";

const NOT_LEADER_FOR_PARTITION = 6;
const TOPIC = "monitoring";
const BATCH = Array.from({ length: 20 }, (_, i) => ({
  key: `https://s${i}.example`,
  value: String(i),
}));

interface Produce {
  topicData: { partitions: { partition: number; messages: { value: string }[] }[] }[];
}

/** Two brokers and two partitions; `silent`'s answers leave out what it was sent. */
function fakeCluster({ silent }: { silent?: number } = {}) {
  const leaders = new Map([[0, 1], [1, 2]]);
  const stored = new Set<string>();
  let producers = 0;

  async function produce(nodeId: number, { topicData }: Produce) {
    const partitions = topicData.flatMap((topic) => topic.partitions);
    if (partitions.some(({ partition }) => leaders.get(partition) !== nodeId)) {
      // The other broker has answered by then.
      await new Promise((resolve) => setTimeout(resolve, 5));
      throw createErrorFromCode(NOT_LEADER_FOR_PARTITION);
    }
    for (const { messages } of partitions) messages.forEach(({ value }) => stored.add(value));
    const answers = partitions.map(({ partition }) => ({ partition, errorCode: 0 }));
    return { topics: [{ topicName: TOPIC, partitions: nodeId === silent ? [] : answers }] };
  }

  /** As kafkajs's Cluster, for one client: what it knows of the leaders may be old. */
  function connection() {
    let known = [...leaders];
    const brokers = new Map([1, 2].map((nodeId) => [nodeId, {
      nodeId,
      produce: (request: Produce) => produce(nodeId, request),
    }]));
    return {
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      isConnected: () => true,
      addMultipleTargetTopics: () => Promise.resolve(),
      refreshMetadataIfNecessary: () => Promise.resolve(),
      refreshMetadata: () => Promise.resolve(void (known = [...leaders])),
      findTopicPartitionMetadata: () =>
        known.map(([partitionId, leader]) => ({ partitionId, leader })),
      findLeaderForPartitions: (_topic: string, partitions: string[]) =>
        Object.groupBy(partitions.map(Number), (id) => String(new Map(known).get(id))),
      findBroker: ({ nodeId }: { nodeId: string }) => Promise.resolve(brokers.get(Number(nodeId))),
    };
  }

  const logger = { namespace: () => logger, ...silentLog() };
  const kafka = {
    admin: () => ({
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      fetchTopicMetadata: () => Promise.resolve({ topics: [] }),
    }),
    producer: (options: ProducerConfig) => {
      producers++;
      const retry = { retries: 1, initialRetryTime: 10, ...options.retry }; // as kafka/client.ts says
      const parts: unknown = { ...options, retry, logger, cluster: connection() };
      return createProducer(parts as Parameters<typeof createProducer>[0]);
    },
  } as unknown as Kafka;

  return { kafka, leaders, stored, producers: () => producers };
}

function silentLog() {
  const nothing = () => {};
  return { error: nothing, warn: nothing, info: nothing, debug: nothing };
}

function senderTo(kafka: Kafka, acks: 0 | "all" = "all") {
  const { kafka: config } = loadedConfig("writer", {
    kafka: { monitoring: { bootstrap_servers: "127.0.0.1:1", topic: TOPIC, acks } },
    database: { dsn: "postgres://unused" },
  });
  return createSender(kafka, config, recordingLog());
}

Deno.test("createSender() loses nothing when a leader moves to a broker that has answered", async () => {
  const cluster = fakeCluster();
  const sender = senderTo(cluster.kafka);
  await sender.send(BATCH);
  cluster.stored.clear();
  cluster.leaders.set(0, 2);
  await assertRejects(() => sender.send(BATCH), Error, "not the leader");
  await sender.send(BATCH); // knows the new leader at once
  assertEquals(cluster.stored.size, BATCH.length);
  assertEquals(cluster.producers(), 2);
  await sender.close();
});

Deno.test("createSender() rejects when no broker has answered for a partition", async () => {
  const { kafka } = fakeCluster({ silent: 2 });
  const sender = senderTo(kafka);
  await assertRejects(() => sender.send(BATCH), Error, "partition 1");
  await sender.close();
});

Deno.test("createSender() expects no answer with acks 0", async () => {
  const { kafka, stored } = fakeCluster({ silent: 2 });
  const sender = senderTo(kafka, 0);
  await sender.send(BATCH);
  assertEquals(stored.size, BATCH.length);
  await sender.close();
});

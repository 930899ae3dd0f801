import { type Kafka, Partitioners } from "kafkajs";
import type { KafkaConfig } from "../config/types.ts";
import { type Finding, findingOf } from "../runtime/cli/finding.ts";
import type { Clock } from "../runtime/clock.ts";
import { oncePassed, withAdmin } from "./cluster.ts";
import { brokerErrorOf } from "./failure.ts";
import { fetchOnce } from "./kafkajs/fetch_once.ts";
import { partitionsOf } from "./topic.ts";

/** What a mode does with the topic: an agent publishes, the others read it as a group. */
export interface TopicUse {
  publishes: boolean;
  /** null: as none */
  group: string | null;
}

/** No acks that there are, which a broker says only to who may write. */
const NO_ACKS = 5;
const INVALID_REQUIRED_ACKS = 21;
const OFFSET_OUT_OF_RANGE = 1;

/** A broker that has just started knows its groups within seconds. */
const START_MS = 10_000;

/**
 * Whether a broker, the topic (or the leave to make it), and what a mode does with it can be had;
 * changes nothing.
 */
export async function* reachKafka(
  kafka: Kafka,
  config: KafkaConfig,
  { publishes, group }: TopicUse,
  clock: Clock,
): AsyncGenerator<Finding> {
  const { topic } = config;
  const broker = await findingOf("broker", () =>
    withAdmin(kafka, async (admin) => {
      const { brokers, clusterId } = await admin.describeCluster();
      const places = brokers.map(({ host, port }) => `${host}:${port}`).join(", ");
      return `cluster ${clusterId} of ${places}`;
    }));
  yield broker;
  if (!broker.isFine) return;
  let partitions: number | null = null;
  yield await findingOf("topic", async () => {
    partitions = await withAdmin(kafka, (admin) => partitionsOf(admin, config));
    return partitions === null
      ? `"${topic}" is not there yet; it may be made, of ${config.topicPartitions} partitions`
      : `"${topic}" of ${partitions} partitions`;
  });
  if (partitions !== null) {
    if (publishes) {
      yield await findingOf("publish", async () => {
        await answered(INVALID_REQUIRED_ACKS, () => publishNothing(kafka, topic));
        return `to "${topic}"`;
      });
    }
    if (group !== null) {
      yield await findingOf("read", async () => {
        await answered(OFFSET_OUT_OF_RANGE, () => fetchOnce(kafka, topic));
        return `"${topic}"`;
      });
    }
  }
  if (group === null) return;
  yield await findingOf("group", () =>
    withAdmin(kafka, async (admin) => {
      const { groups: [found] } = await oncePassed(
        () => admin.describeGroups([group]),
        clock,
        START_MS,
      );
      return `"${group}", of ${found!.members.length} at work`;
    }));
}

/** Does what the broker may answer with this code, which it says only to who has the right. */
async function answered(code: number, ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (brokerErrorOf(error)?.code !== code) throw error;
  }
}

/** Hands a broker a message that it must refuse, whoever sends it. */
async function publishNothing(kafka: Kafka, topic: string): Promise<void> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    retry: { retries: 0 },
  });
  try {
    await producer.connect();
    await producer.send({ topic, acks: NO_ACKS, messages: [{ key: "", value: "" }] });
  } finally {
    await producer.disconnect();
  }
}

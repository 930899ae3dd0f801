import { type Admin, ConfigResourceTypes, type ITopicConfig, type Kafka } from "kafkajs";
import type { KafkaConfig } from "../config/types.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log/log.ts";
import { oncePassed, withAdmin } from "./cluster.ts";
import { brokerErrorOf, isPassing } from "./failure.ts";

/** The topic is not there, and the broker does not let us make it. */
export class TopicMissingError extends Error {
  readonly code = "TOPIC_MISSING";
}

const UNKNOWN_TOPIC = 3;
const TOPIC_ALREADY_EXISTS = 36;
const INVALID_REPLICATION_FACTOR = 38;

/** What makes a topic has told the brokers within milliseconds; this is for slow machines. */
const LEADERS_MS = 30_000;

/**
 * Makes the topic where it is missing: the config's partitions and retention; the broker's time on
 * each record, since a broker does not take what an agent whose clock is an hour ahead stamps; and
 * the batches as they were sent, whatever the broker's own compression.type is.
 *
 * @throws {TopicMissingError} Where the broker does not let us
 */
export async function ensureTopic(kafka: Kafka, config: KafkaConfig, log: Logger): Promise<void> {
  if (await withAdmin(kafka, (admin) => makeTopic(admin, config))) {
    log.notice({ topic: config.topic, partitions: config.topicPartitions }, "Made the topic");
  }
}

/**
 * How many partitions the topic has; null where it is missing and may be made.
 *
 * @throws {TopicMissingError} Where the broker does not let us
 */
export async function partitionsOf(admin: Admin, config: KafkaConfig): Promise<number | null> {
  if (await makeTopic(admin, config, true)) return null;
  const { topics: [found] } = await admin.fetchTopicMetadata({ topics: [config.topic] });
  return found!.partitions.length;
}

/**
 * @param validateOnly Makes nothing, and asks the broker whether it would let us
 * @returns Whether it was made now
 */
async function makeTopic(
  admin: Admin,
  config: KafkaConfig,
  validateOnly = false,
): Promise<boolean> {
  if (await topicExists(admin, config.topic)) return false;
  const topic: ITopicConfig = {
    topic: config.topic,
    numPartitions: config.topicPartitions,
    replicationFactor: config.topicReplicationFactor,
    configEntries: [
      { name: "retention.ms", value: String(config.topicRetentionMs) },
      { name: "message.timestamp.type", value: "LogAppendTime" },
      { name: "compression.type", value: "producer" },
    ],
  };
  try {
    return validateOnly
      ? await admin.createTopics({ validateOnly, waitForLeaders: false, topics: [topic] })
      : await createTopic(admin, topic);
  } catch (error) {
    if (isAnswer(error, TOPIC_ALREADY_EXISTS)) return false;
    const [answer] = answersIn(error);
    if (!answer) throw error;
    throw new TopicMissingError(
      `Topic "${config.topic}" is not there and the broker does not let us make it` +
        ` (${answer.type}); ${adviceFor(answer.code, config)}`,
      { cause: error },
    );
  }
}

/**
 * Makes a topic, and waits until the leader of each partition answers; kafkajs's own wait fails where
 * the broker does not know the topic yet. After 30 s of that it is left to who needs one.
 *
 * @returns Whether it was made now
 */
export async function createTopic(admin: Admin, topic: ITopicConfig): Promise<boolean> {
  const isMade = await admin.createTopics({ waitForLeaders: false, topics: [topic] });
  if (isMade) {
    const ask = () => admin.fetchTopicOffsets(topic.topic);
    await oncePassed(ask, systemClock, LEADERS_MS).catch((error) => {
      if (!isPassing(error)) throw error;
    });
  }
  return isMade;
}

function adviceFor(code: number, config: KafkaConfig): string {
  return code === INVALID_REPLICATION_FACTOR
    ? `"topic_replication_factor" is ${config.topicReplicationFactor}, for which there are too few brokers`
    : "make it with message.timestamp.type=LogAppendTime";
}

/** Whether records have the broker's time, not their sender's; null where the broker does not say. */
export async function hasBrokerTime(kafka: Kafka, topic: string): Promise<boolean | null> {
  try {
    const { resources: [found] } = await withAdmin(kafka, (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configNames: ["message.timestamp.type"],
        }],
      }));
    const [setting] = found?.configEntries ?? [];
    return setting ? setting.configValue === "LogAppendTime" : null;
  } catch (error) {
    if (answersIn(error).length > 0) return null;
    throw error;
  }
}

async function topicExists(admin: Admin, topic: string): Promise<boolean> {
  try {
    await admin.fetchTopicMetadata({ topics: [topic] });
    return true;
  } catch (error) {
    if (isAnswer(error, UNKNOWN_TOPIC)) return false;
    throw error;
  }
}

/** The brokers' answers in an error; kafkajs gathers those for each topic in a KafkaJSAggregateError. */
function answersIn(error: unknown) {
  const { errors = [] } = error as { errors?: unknown[] };
  return [error, ...errors].flatMap((one) => brokerErrorOf(one) ?? []);
}

function isAnswer(error: unknown, code: number): boolean {
  return answersIn(error).some((answer) => answer.code === code);
}

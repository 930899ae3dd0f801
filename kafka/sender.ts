import type { ICustomPartitioner, Kafka, Producer } from "kafkajs";
import { Buffer } from "node:buffer";
import type { KafkaConfig } from "../config/types.ts";
import { within } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log/log.ts";
import { METADATA_MAX_AGE_MS } from "./client.ts";
import { RefusedError, SilentError } from "./errors.ts";
import { asSendError } from "./failure.ts";
import { murmur2 } from "./kafkajs/murmur2.ts";
import { ensureTopic } from "./topic.ts";

/** One message on its way out. A key always: kafkajs re-partitions keyless ones at each retry. */
export interface OutgoingMessage {
  key: string;
  value: string;
}

/**
 * Resolves when the broker has acknowledged all of `batch`. Rejects with a RefusedError when the
 * broker will never take one of them; any other rejection is worth another try.
 */
export type Send = (batch: readonly OutgoingMessage[]) => Promise<void>;

export interface Sender {
  send: Send;
  close(): Promise<void>;
}

/** A producer, and the partition of each message that it was given. */
interface Connection {
  producer: Producer;
  partitions: WeakMap<object, number>;
}

/** Past the request timeout kafkajs may still wait for a socket that nobody answers on (#1163). */
const GRACE_MS = 5_000;

/**
 * Sends to the config's topic, which it makes at first use if need be. Connects at the first send,
 * and anew after a failed one: a producer whose broker is gone may never find out by itself.
 */
export function createSender(
  kafka: Kafka,
  config: KafkaConfig,
  log: Logger,
  { clock = systemClock, onSkew }: {
    /** @default systemClock */
    clock?: Pick<Clock, "now">;
    /** Told at each send how far this machine's clock is ahead of the broker's at least, ms. */
    onSkew?: (ms: number) => void;
  } = {},
): Sender {
  let current: Promise<Connection> | null = null;

  async function connect(): Promise<Connection> {
    await ensureTopic(kafka, config, log);
    const { partitions, createPartitioner } = watchPartitions();
    const producer = kafka.producer({
      createPartitioner,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      // At a retry kafkajs passes by what a new leader should get, where that broker has answered
      // before, and resolves. Whoever calls retries the whole batch, by a new producer.
      retry: { retries: 0 },
    });
    try {
      await producer.connect();
    } catch (error) {
      producer.disconnect().catch(() => {});
      throw error;
    }
    return { producer, partitions };
  }

  async function deliver(
    { producer, partitions }: Connection,
    batch: readonly OutgoingMessage[],
  ): Promise<void> {
    const messages = batch.map(({ key, value }) => ({ key, value }));
    const sentAt = clock.now();
    const answers = await producer.send({
      topic: config.topic,
      acks: config.acks,
      timeout: config.requestTimeoutMs,
      messages,
    });
    if (config.acks === 0) return; // no broker answers
    const taken = answers.map(({ logAppendTime }) => Number(logAppendTime ?? -1));
    const skews = taken.filter((at) => at >= 0).map((at) => skewOf(at, sentAt, clock.now()));
    if (skews.length > 0) onSkew?.(Math.max(...skews));
    const answered = new Set(answers.map(({ partition }) => partition));
    for (const message of messages) {
      const partition = partitions.get(message);
      if (partition === undefined || !answered.has(partition)) {
        throw new Error(`No broker has answered for partition ${partition} of "${config.topic}"`);
      }
    }
  }

  async function send(batch: readonly OutgoingMessage[]): Promise<void> {
    current ??= connect();
    const mine = current;
    try {
      const ms = config.requestTimeoutMs + GRACE_MS;
      const delivered = mine.then((connection) => deliver(connection, batch));
      if (!await within(systemClock, ms, delivered)) {
        throw new SilentError(`No answer from the broker within ${ms} ms`);
      }
    } catch (error) {
      const failure = asSendError(error);
      if (!(failure instanceof RefusedError)) {
        if (current === mine) current = null;
        mine.then(({ producer }) => producer.disconnect()).catch(() => {});
      }
      throw failure;
    }
  }

  async function close(): Promise<void> {
    const last = current;
    current = null;
    await last?.then(({ producer }) => producer.disconnect()).catch(() => {});
  }

  return { send, close };
}

/** Between the two, the broker's clock showed `at`; ahead is above 0. */
function skewOf(at: number, from: number, until: number): number {
  return Math.max(0, from - at) - Math.max(0, at - until);
}

/** The partitioner of Kafka's own producer, and where it put each message last. */
function watchPartitions() {
  const partitions = new WeakMap<object, number>();
  const createPartitioner: ICustomPartitioner = () => ({ message, partitionMetadata }) => {
    const hash = murmur2(Buffer.from(message.key as string));
    const partition = (hash & 0x7fffffff) % partitionMetadata.length;
    partitions.set(message, partition);
    return partition;
  };
  return { partitions, createPartitioner };
}

import type { Kafka } from "kafkajs";
import type { KafkaConfig } from "../../config/types.ts";
import { type TopicView, viewTopic } from "../../kafka/cluster.ts";
import type { Offsets, StoredOffset } from "../offsets.ts";
import type { Source } from "../sink.ts";

/** What looking is handed. */
export interface LookDeps {
  kafka: Kafka;
  config: KafkaConfig;
  offsets: Offsets;
  /** Ends the consumer for good. */
  fail(error: unknown): void;
}

/** What is known of all partitions: in the database, and then in the topic. */
export interface Look {
  stored: ReadonlyMap<number, StoredOffset>;
  bounds: TopicView["bounds"];
}

/** Looks at all assigned partitions at once, however many of them ask. */
export class Looks {
  readonly #topic: Omit<Source, "partition">;
  readonly #deps: LookDeps;
  readonly #partitions: () => number[];
  /** The last look that has begun, and the one that can still be joined. */
  #look: Promise<Look | void> = Promise.resolve();
  #nextLook: Promise<Look> | null = null;

  /** @param partitions Those that are assigned now */
  constructor(topic: Omit<Source, "partition">, deps: LookDeps, partitions: () => number[]) {
    this.#topic = topic;
    this.#deps = deps;
    this.#partitions = partitions;
  }

  /** One look for all that ask before it begins; it begins when the last one has ended. */
  atAll(): Promise<Look> {
    return this.#nextLook ??= this.#look.then(() => {
      this.#nextLook = null;
      const look = this.#now();
      this.#look = look.catch(() => {});
      return look;
    });
  }

  async #now(): Promise<Look> {
    return { stored: await this.stored(), bounds: await this.bounds() };
  }

  stored(): Promise<Map<number, StoredOffset>> {
    return this.#deps.offsets.read(this.#topic, this.#partitions());
  }

  /** @throws Where the address leads to another cluster by now, which ends the consumer */
  async bounds(): Promise<TopicView["bounds"]> {
    const { kafka, config, fail } = this.#deps;
    const { clusterId, bounds } = await viewTopic(kafka, config.topic);
    if (clusterId === this.#topic.clusterId) return bounds;
    const error = new Error(
      `The address now leads to cluster "${clusterId}", not "${this.#topic.clusterId}"`,
    );
    fail(error);
    throw error;
  }
}

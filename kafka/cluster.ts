import type { Admin, Kafka } from "kafkajs";
import { type Clock, sleep } from "../runtime/clock.ts";
import { isPassing } from "./failure.ts";

/** The offsets that a partition holds now: from `low` on, `high` is the next to be written. */
export interface Bounds {
  low: bigint;
  high: bigint;
}

/** What a consumer asks of a cluster beside its records. */
export interface TopicView {
  clusterId: string;
  /** By partition. */
  bounds: ReadonlyMap<number, Bounds>;
}

/** Asks the cluster for its id and the offsets of a topic, over a connection of its own. */
export function viewTopic(kafka: Kafka, topic: string): Promise<TopicView> {
  return withAdmin(kafka, async (admin) => {
    const [{ clusterId }, offsets] = await Promise.all([
      admin.describeCluster(),
      admin.fetchTopicOffsets(topic),
    ]);
    return {
      clusterId,
      bounds: new Map(
        offsets.map(({ partition, low, high }) => [
          partition,
          { low: BigInt(low), high: BigInt(high) },
        ]),
      ),
    };
  });
}

/** Does something as the cluster's client for administration, over a connection of its own. */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

const AGAIN_MS = 100;

/**
 * What `ask` gives, once what passes by itself after a start has passed.
 *
 * @param ms From when on such a failure is thrown, too
 */
export async function oncePassed<T>(ask: () => Promise<T>, clock: Clock, ms: number): Promise<T> {
  const until = clock.monotonic() + ms;
  while (true) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || clock.monotonic() > until) throw error;
      await sleep(clock, AGAIN_MS);
    }
  }
}

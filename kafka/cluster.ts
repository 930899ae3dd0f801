import type { Kafka } from "kafkajs";
import { withAdmin } from "./admin.ts";

/** The offsets that a partition holds now: from `low` on, `high` is the next to be written. */
export interface Bounds {
  low: bigint;
  high: bigint;
}

/** What the writer asks of a cluster beside its records. */
export interface TopicView {
  clusterId: string;
  /** By partition. */
  bounds: ReadonlyMap<number, Bounds>;
}

/**
 * Asks the cluster for its id and the offsets of a topic, over a connection of its own.
 *
 * @param onAsk Called once connected, right before it asks: what is seen is no older than this
 */
export function viewTopic(
  kafka: Kafka,
  topic: string,
  onAsk: () => void = () => {},
): Promise<TopicView> {
  return withAdmin(kafka, async (admin) => {
    onAsk();
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

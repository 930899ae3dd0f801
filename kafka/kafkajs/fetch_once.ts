import type { Kafka } from "kafkajs";

/** The part of kafkajs's Cluster that is used. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findBroker(of: { nodeId: string }): Promise<{ fetch(request: object): Promise<unknown> }>;
}

type CreateCluster = (options: { allowAutoTopicCreation: boolean }) => Cluster;

/**
 * Fetches a topic's first records once, as no group: kafkajs 2.2.4 reads only as a member of one,
 * which a look at what a login may must not become.
 *
 * @throws What the broker answers, TOPIC_AUTHORIZATION_FAILED for one
 */
export async function fetchOnce(kafka: Kafka, topic: string): Promise<void> {
  const key = Object.getOwnPropertySymbols(kafka)
    .find(({ description }) => description === "private:Kafka:createCluster")!;
  const create = (kafka as unknown as Record<symbol, CreateCluster>)[key]!;
  const cluster = create({ allowAutoTopicCreation: false });
  try {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    const [first] = cluster.findTopicPartitionMetadata(topic);
    const leader = await cluster.findBroker({ nodeId: String(first!.leader) });
    const partition = { partition: first!.partitionId, fetchOffset: 0, maxBytes: 1 };
    await leader.fetch({
      replicaId: -1,
      isolationLevel: 1,
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes: 1,
      topics: [{ topic, partitions: [partition] }],
    });
  } finally {
    await cluster.disconnect();
  }
}

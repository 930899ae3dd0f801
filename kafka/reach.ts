import type { Kafka } from "kafkajs";
import type { KafkaConfig } from "../config/types.ts";
import { type Finding, findingOf } from "../runtime/finding.ts";
import { withAdmin } from "./cluster.ts";
import { topicOrLeave } from "./topic.ts";

/** Whether a broker, the topic (or the leave to make it) and the group can be had; changes nothing. */
export async function* reachKafka(kafka: Kafka, config: KafkaConfig): AsyncGenerator<Finding> {
  const broker = await findingOf("broker", () =>
    withAdmin(kafka, async (admin) => {
      const { brokers, clusterId } = await admin.describeCluster();
      const places = brokers.map(({ host, port }) => `${host}:${port}`).join(", ");
      return `cluster ${clusterId} of ${places}`;
    }));
  yield broker;
  if (!broker.isFine) return;
  yield await findingOf("topic", () => withAdmin(kafka, (admin) => topicOrLeave(admin, config)));
  yield await findingOf("group", () =>
    withAdmin(kafka, async (admin) => {
      const { groups: [group] } = await admin.describeGroups([config.consumerGroup]);
      return `"${config.consumerGroup}", of ${group!.members.length} at work`;
    }));
}

import { Kafka, type KafkaConfig, logLevel } from "kafkajs";
import { patchRequestQueue } from "../../kafka/kafkajs/request_queue_patch.ts";

/** A kafkajs client that logs nothing, for looking after a local broker and for reading its topics. */
export function quietKafka(brokers: readonly string[], options?: Partial<KafkaConfig>): Kafka {
  patchRequestQueue();
  return new Kafka({
    clientId: "httpmon-local",
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    ...options,
  });
}

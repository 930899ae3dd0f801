import type { LogEntry } from "kafkajs";
import type { Logger } from "../../runtime/log.ts";

/**
 * kafkajs's log, at our DEBUG. It says ERROR of what heals by itself (a group's first join at a new
 * broker answers "coordinator is loading") and says it again at every retry; what an operator should
 * know of Kafka, the sender and the writer log themselves, once a spell.
 */
export function bridgeLog(log: Logger): () => (entry: LogEntry) => void {
  return () => ({ namespace, label, log: { message, timestamp: _timestamp, ...fields } }) => {
    log.debug({ ...fields, kafkajs: namespace, kafkajsLevel: label }, message);
  };
}

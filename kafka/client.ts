import { Kafka, type KafkaConfig as KafkaJsConfig, type LogEntry } from "kafkajs";
import type { KafkaConfig } from "../config/types.ts";
import type { Logger } from "../runtime/log/log.ts";
import { systemAuthorities } from "../runtime/system_authorities.ts";
import { bootstrapOf } from "./kafkajs/bootstrap.ts";
import { registerCodecs } from "./kafkajs/compression/codecs.ts";
import { patchFetch } from "./kafkajs/fetch_patch.ts";
import { patchMetadata } from "./kafkajs/metadata_patch.ts";
import { patchProduce } from "./kafkajs/produce_patch.ts";
import { patchRequestQueue } from "./kafkajs/request_queue_patch.ts";

/** A TCP connection, with its TLS handshake, takes longer than this only when the way is broken. */
const MAX_CONNECT_MS = 10_000;
/** Partitions that were added to a topic are noticed within this; kafkajs's own is five minutes. */
export const METADATA_MAX_AGE_MS = 10_000;

/** A kafkajs client made from the config: addresses, TLS, SASL, timeouts, log. Connects to nothing yet. */
export function createKafka(config: KafkaConfig, clientId: string, log: Logger): Kafka {
  patchRequestQueue();
  patchFetch();
  patchMetadata();
  patchProduce();
  registerCodecs();
  return new Kafka({
    clientId,
    ...bootstrapOf(config.bootstrapServers),
    connectionTimeout: Math.min(MAX_CONNECT_MS, config.requestTimeoutMs),
    authenticationTimeout: Math.min(MAX_CONNECT_MS, config.requestTimeoutMs),
    requestTimeout: config.requestTimeoutMs,
    // Whoever uses the client tries again for as long as it takes, and logs it.
    retry: { retries: 1, initialRetryTime: 100 },
    logCreator: bridgeLog(log),
    ...(config.tls && {
      ssl: {
        ...authorities(config.tls.ca),
        ...(config.tls.cert && { cert: config.tls.cert }),
        ...(config.tls.key && { key: config.tls.key }),
      },
    }),
    ...(config.sasl && { sasl: config.sasl as KafkaJsConfig["sasl"] }),
  });
}

/** Those of the config, else the system's; the runtime's own list where there are none. */
function authorities(ca: string | null): { ca?: string[] } {
  const trusted = ca ? [ca] : systemAuthorities();
  return trusted.length > 0 ? { ca: trusted } : {};
}

/**
 * kafkajs's log, at our DEBUG. It says ERROR of what heals by itself (a group's first join at a new
 * broker answers "coordinator is loading") and says it again at every retry; what an operator should
 * know of Kafka, the sender and the writer log themselves, once a spell.
 */
function bridgeLog(log: Logger): () => (entry: LogEntry) => void {
  return () => ({ namespace, label, log: { message, timestamp: _timestamp, ...fields } }) => {
    log.debug({ ...fields, kafkajs: namespace, kafkajsLevel: label }, message);
  };
}

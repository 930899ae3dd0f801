import type { ConfigFor } from "../../config/mode_parts.ts";
import { loadConfig } from "../../config/load.ts";
import type { Mode } from "../../runtime/cli/modes.ts";

/** The config that a file with this content (JSON is YAML) would give, through the real loading. */
export function loadedConfig<M extends Mode>(mode: M, content: unknown): ConfigFor<M> {
  return loadConfig("config.yaml", {
    mode,
    env: {},
    readFile: () => Buffer.from(JSON.stringify(content)),
  });
}

/** The config's "kafka" for a topic of one test, which a group of its own reads. */
export function kafkaSection(brokers: readonly string[], topic: string, batchTimeoutMs = 100) {
  return {
    monitoring: {
      bootstrap_servers: brokers,
      topic,
      consumer_group: `group-of-${topic}`,
      batch_timeout_ms: batchTimeoutMs,
    },
  };
}

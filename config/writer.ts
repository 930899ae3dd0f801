import type { z } from "zod";
import { onOff, optional, section, whole, withDefault } from "./fields.ts";
import { listen } from "./listen.ts";

/** `writer:` of the YAML. */
export const writerSchema = section({
  max_batch_messages: withDefault(whole(1, 100_000), 5000),
  maintain: withDefault(onOff(), true),
  listen: optional(listen),
  shutdown_timeout_ms: withDefault(whole(0, 600_000, "milliseconds"), 10_000),
});

/** The config of a checked `writer:`. */
export function toWriter(yaml: z.output<typeof writerSchema>) {
  return {
    maxBatchMessages: yaml.max_batch_messages,
    /** Whether the writer keeps rollups and retention, as mode "maintain" does. */
    maintain: yaml.maintain,
    /** Where /metrics, /healthz and /readyz are served; null: nowhere. */
    listen: yaml.listen,
    shutdownTimeoutMs: yaml.shutdown_timeout_ms,
  };
}

export type WriterConfig = ReturnType<typeof toWriter>;

import { listen, onOff, optional, section, whole, withDefault } from "../config/fields.ts";
import { part } from "../config/part.ts";

/** `writer:` of the YAML. */
export const writerPart = part({
  schema: section({
    max_batch_messages: withDefault(whole(1, 100_000), 5000),
    maintain: withDefault(onOff(), true),
    listen: optional(listen),
    shutdown_timeout_ms: withDefault(whole(0, 600_000, "milliseconds"), 10_000),
  }),
  load: () => (yaml) => ({
    maxBatchMessages: yaml.max_batch_messages,
    /** Whether the writer keeps rollups and retention, as mode "maintain" does. */
    maintain: yaml.maintain,
    /** Where /metrics, /healthz and /readyz are served; null: nowhere. */
    listen: yaml.listen,
    shutdownTimeoutMs: yaml.shutdown_timeout_ms,
  }),
});

export type WriterConfig = ReturnType<ReturnType<typeof writerPart.load>>;

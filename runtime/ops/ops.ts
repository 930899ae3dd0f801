import type { Listen } from "../../config/types.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../log/log.ts";
import { LoopDelay } from "./loop_delay.ts";
import type { Metrics } from "./metrics.ts";
import { type OpsServer, type OpsSources, startOpsServer } from "./server.ts";
import { addProcessMetrics } from "./process_metrics.ts";

export interface OpsOptions extends Pick<OpsSources, "unhealthy" | "unready" | "pages"> {
  mode: "agent" | "writer" | "alerts";
  /** Null: nothing is served. */
  listen: Listen | null;
  /** Adds the mode's own metrics. */
  addMetrics: (metrics: Metrics) => void;
  /** Further lines of the text format. @default none */
  moreMetrics?: () => Promise<string>;
  clock: Clock;
  log: Logger;
}

/**
 * Serves a mode's metrics and health where its config says so. To be started before the work and
 * closed after it, so that /readyz says 503 while the mode starts and stops.
 *
 * @returns Null where the config says nowhere
 * @throws {UsageError} Where it cannot listen there
 */
export async function startOps(options: OpsOptions): Promise<OpsServer | null> {
  const { mode, listen, addMetrics, moreMetrics = () => Promise.resolve(""), unready, clock } =
    options;
  if (listen === null) return null;
  // prom-client takes 60 ms to load, which only who wants it should wait for.
  const metrics = new (await import("./metrics.ts")).Metrics();
  const loopDelay = new LoopDelay(clock);
  addProcessMetrics(metrics, { mode, loopDelay: loopDelay.histogram });
  metrics.gauge({
    name: "httpmon_ready",
    help: "1 while /readyz answers 200, else 0.",
  }, () => unready().length === 0 ? 1 : 0);
  addMetrics(metrics);
  const server = await startOpsServer({
    ...options,
    listen,
    setting: `${mode}.listen`,
    metrics: {
      contentType: metrics.contentType,
      text: async () => await metrics.text() + await moreMetrics(),
    },
  });
  loopDelay.start();
  return {
    address: server.address,
    async close() {
      loopDelay.stop();
      await server.close();
    },
  };
}

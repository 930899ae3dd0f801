import type { Pool } from "pg";
import type { Config } from "../config/types.ts";
import { siteId } from "../config/types.ts";
import { type ConsumerDeps, runConsumer } from "../consume/run.ts";
import { aborted, within } from "../runtime/abort.ts";
import { type SenderDeps, sendNotifications } from "./sender.ts";
import { createAlertSink, type SitePolicy } from "./sink.ts";

/** Of a site that the config does not have: the config's default. */
const TIMEOUT_MS = 120_000;
const MAX_BATCH_RECORDS = 5_000;
const SHUTDOWN_MS = 10_000;

/** What an alerter is handed. */
export interface AlerterDeps extends
  Pick<
    ConsumerDeps,
    "offsets" | "clock" | "log" | "signal" | "concurrency" | "stats" | "passFailpoint"
  >,
  Pick<SenderDeps, "fetch" | "firstWaitMs" | "timeoutMs"> {
  pool: Pool;
  lockTimeoutMs?: number;
}

/**
 * Runs an alerter until `signal` aborts: the topic becomes incidents, and what is owed for them is
 * sent. Each goes on without the other.
 */
export async function runAlerter(config: Config, deps: AlerterDeps): Promise<void> {
  const { log, clock, signal } = deps;
  const { rules, channels } = config.alerts;
  const working = Promise.all([
    runConsumer({
      ...deps,
      consumer: "alerts",
      config: { ...config.kafka, consumerGroup: `${config.kafka.consumerGroup}-alerts` },
      sink: createAlertSink({ ...deps, rules, policyOf: policies(config) }),
      maxBatchRecords: MAX_BATCH_RECORDS,
    }),
    sendNotifications({ ...deps, channels }),
  ]);
  await Promise.race([working, aborted(signal)]);
  // What is left undone, the database undoes; a notification under way is sent again.
  if (!await within(clock, SHUTDOWN_MS, working)) {
    log.error({ ms: SHUTDOWN_MS }, "Stopping took too long, leaving the rest undone");
  }
  log.notice({ batches: deps.stats.batches }, "The alerter has stopped");
}

function policies({ sites, alerts }: Config) {
  const all = Object.keys(alerts.channels);
  const known = new Map<string, SitePolicy>(sites.map((site) => {
    const { attempts, delayMs } = site.retries;
    const timeoutMs = attempts * site.timeoutMs + (attempts - 1) * delayMs;
    return [siteId(site), { channels: site.channels ?? all, timeoutMs }];
  }));
  const other: SitePolicy = { channels: all, timeoutMs: TIMEOUT_MS };
  return ({ site, url }: { site?: string; url: string }) => known.get(site ?? url) ?? other;
}

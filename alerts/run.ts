import type { Pool } from "pg";
import type { Config } from "../config/types.ts";
import { siteId } from "../config/types.ts";
import { type ConsumerDeps, runConsumer } from "../consume/run.ts";
import { aborted, within } from "../runtime/abort.ts";
import type { Route } from "./outbox/owe.ts";
import { type SenderDeps, sendNotifications } from "./outbox/sender.ts";
import type { SenderStats } from "./outbox/stats.ts";
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
  sending: SenderStats;
  lockTimeoutMs?: number;
}

/**
 * Runs an alerter until `signal` aborts: the topic becomes incidents, and what is owed for them is
 * sent. Each goes on without the other.
 */
export async function runAlerter(config: Config, deps: AlerterDeps): Promise<void> {
  const { log, clock, signal } = deps;
  const { rules, channels, groupWaitMs } = config.alerts;
  const link = config.web.publicUrl;
  const sitesAt = hosts(config);
  const working = Promise.all([
    runConsumer({
      ...deps,
      consumer: "alerts",
      config: { ...config.kafka, consumerGroup: `${config.kafka.consumerGroup}-alerts` },
      sink: createAlertSink({ ...deps, rules, policyOf: policies(config), route: routes(config) }),
      maxBatchRecords: MAX_BATCH_RECORDS,
    }),
    sendNotifications({ ...deps, channels, link, groupWaitMs, sitesAt, stats: deps.sending }),
  ]);
  await Promise.race([working, aborted(signal)]);
  // What is left undone, the database undoes; a notification under way is sent again.
  if (!await within(clock, SHUTDOWN_MS, working)) {
    log.error({ ms: SHUTDOWN_MS }, "Stopping took too long, leaving the rest undone");
  }
  log.info({ batches: deps.stats.batches }, "The alerter has stopped");
}

function routes({ alerts }: Config): Route {
  const all = Object.keys(alerts.channels);
  return (_, channels) => channels ?? all;
}

/** How many sites there are at a host. */
function hosts({ sites }: Config): (host: string) => number {
  const counts = new Map<string, number>();
  for (const { url } of sites) {
    const { host } = new URL(url);
    counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return (host) => counts.get(host) ?? 0;
}

function policies({ sites }: Config) {
  const known = new Map<string, SitePolicy>(sites.map((site) => {
    const { attempts, delayMs } = site.retries;
    const timeoutMs = attempts * site.timeoutMs + (attempts - 1) * delayMs;
    return [siteId(site), { channels: site.channels, labels: site.labels, timeoutMs }];
  }));
  const other: SitePolicy = { channels: null, labels: {}, timeoutMs: TIMEOUT_MS };
  return ({ site, url }: { site?: string; url: string }) => known.get(site ?? url) ?? other;
}

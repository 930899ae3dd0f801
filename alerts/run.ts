import type { Kafka } from "kafkajs";
import type { Pool } from "pg";
import type { Config } from "../config/types.ts";
import { untilStopped } from "../consume/mode.ts";
import { type ConsumerDeps, runConsumer } from "../consume/run.ts";
import { createKafka } from "../kafka/client.ts";
import { type TopicView, viewTopic } from "../kafka/cluster.ts";
import { hasBrokerTime } from "../kafka/topic.ts";
import { newSpells } from "../runtime/log/spell.ts";
import type { Logger } from "../runtime/log/log.ts";
import { policies } from "./policies.ts";
import { decideInRounds } from "./rounds.ts";
import { keepBeating } from "./heartbeat.ts";
import { routesOf } from "./outbox/routes.ts";
import { type SenderDeps, sendNotifications } from "./outbox/sender.ts";
import type { SenderStats } from "./outbox/stats.ts";
import { keepUp } from "./outbox/upkeep.ts";
import { createAlertSink } from "./topic/sink.ts";

/** Whose offsets these are. */
const CONSUMER = "alerts";
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
  /** As `HeartbeatDeps` has it. */
  unready(): readonly string[];
  lockTimeoutMs?: number;
}

/**
 * Runs an alerter until `signal` aborts: the topic becomes votes, these become incidents, and what
 * is owed for them is sent. Each goes on without the others.
 */
export async function runAlerter(config: Config, deps: AlerterDeps): Promise<void> {
  const { log, clock } = deps;
  const spells = newSpells(clock);
  const policyOf = policies(config);
  const { channels, groupWaitMs, reminderMs, heartbeatUrl } = config.alerts;
  const route = routesOf(config.alerts);
  const { topic } = config.kafka;
  const kafka = createKafka(config.kafka, "httpmon-alerts-rounds", log);
  const sending = {
    ...deps,
    ...{ channels, groupWaitMs },
    link: config.web.publicUrl,
    sitesAt: hosts(config),
    stats: deps.sending,
    spell: spells.database,
  };
  const working = Promise.all([
    runConsumer({
      ...deps,
      consumer: CONSUMER,
      config: { ...config.kafka, consumerGroup: config.kafka.alertsGroup },
      sink: createAlertSink({ ...deps, policyOf }),
      maxBatchRecords: MAX_BATCH_RECORDS,
      spells,
    }),
    decideInRounds({
      ...deps,
      consumer: CONSUMER,
      topic,
      viewTopic: viewerOf(kafka, topic, log),
      policyOf,
      route,
      spell: spells.database,
    }),
    sendNotifications(sending),
    keepUp({ ...sending, route, reminderMs }),
    heartbeatUrl === null ? null : keepBeating({ ...deps, url: heartbeatUrl }),
  ]);
  // A notification under way is sent again.
  await untilStopped(working, SHUTDOWN_MS, deps);
  log.notice({ batches: deps.stats.batches }, "The alerter has stopped");
}

/** Looks at the topic, and says, once, where its records have not the broker's time. */
function viewerOf(kafka: Kafka, topic: string, log: Logger): () => Promise<TopicView> {
  let isSaid = false;
  return async () => {
    const view = await viewTopic(kafka, topic);
    if (!isSaid && await hasBrokerTime(kafka, topic) === false) {
      log.error(
        { topic },
        "The topic's records have the time of agents, not the broker's: one whose clock is ahead keeps " +
          "all others from voting; set the topic's message.timestamp.type to LogAppendTime",
      );
    }
    isSaid = true;
    return view;
  };
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

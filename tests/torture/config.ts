import { dsnOf } from "./lane.ts";
import type { Round } from "./round.ts";

/** Sites of a round's agent, each checked once a second. */
export const SITES = 20;

/** The config file of a round's agent and writers, which reach their servers through the proxies. */
export function configOf({ lane, topic, group, database, postgres, sites }: Round) {
  return {
    loglevel: "INFO",
    kafka: {
      monitoring: {
        bootstrap_servers: [lane.kafkaProxy.address],
        topic,
        consumer_group: group,
        batch_timeout_ms: 500,
      },
    },
    database: {
      writer: { dsn: dsnOf(postgres, database, lane.postgresProxy.port) },
    },
    agent: { state_dir: "state" },
    ...(sites && {
      websites: Object.fromEntries(
        Array.from({ length: SITES }, (_, i) => [
          `${sites.origin}/${i}`,
          { frequency: 1, timeout: 10 },
        ]),
      ),
    }),
  };
}

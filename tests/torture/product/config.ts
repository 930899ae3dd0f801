import { dsnOf } from "../lane.ts";
import type { Round } from "../round.ts";

/** The config file of a round's processes, which reach their servers through the proxies. */
export function configOf({ lane, topic, group, database, postgres, sites, alerting }: Round) {
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
      websites: Object.fromEntries(sites.urls.map((url) => [url, { frequency: 1, timeout: 10 }])),
    }),
    ...alerting?.config,
  };
}

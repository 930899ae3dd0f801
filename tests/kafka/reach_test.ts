import { assertEquals } from "@std/assert";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { createKafka } from "../../kafka/client.ts";
import { reachKafka } from "../../kafka/reach.ts";
import { systemClock } from "../../runtime/clock.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";

const NOT_COORDINATOR_FOR_GROUP = 16;

Deno.test("reachKafka() asks a broker again that has just started", async () => {
  const { brokers } = await kafkaForTests();
  const topic = await freshTopic();
  const config = loadedConfig("writer", {
    kafka: { monitoring: { bootstrap_servers: brokers, topic, consumer_group: topic } },
    database: { dsn: "host=unused" },
  }).kafka;
  const kafka = createKafka(config, "httpmon-test", recordingLog());
  const admin = kafka.admin.bind(kafka);
  let refusals = 2;
  kafka.admin = () => {
    const real = admin();
    return {
      ...real,
      describeGroups: (groups) =>
        refusals-- > 0
          ? Promise.reject(createErrorFromCode(NOT_COORDINATOR_FOR_GROUP))
          : real.describeGroups(groups),
    };
  };
  const use = { publishes: false, group: topic };
  const findings = await Array.fromAsync(reachKafka(kafka, config, use, systemClock));
  assertEquals(findings.filter(({ isFine }) => !isFine), []);
  assertEquals(findings.map(({ of }) => of), ["broker", "topic", "read", "group"]);
});

import { assertEquals } from "@std/assert";
import { restartNeededFor } from "../../../agent/reload/reload.ts";
import { loadText } from "../../config/load_text.ts";

const FILES = {
  "/etc/httpmon/ca.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
};

Deno.test("restartNeededFor() finds nothing where only sites and other modes' parts differ", () => {
  const before = loadText("websites: {https://a.example/: {}}");
  const after = loadText(
    "loglevel: INFO\ndefaults: {timeout: 1}\nwebsites: {https://b.example/: {}}\n" +
      "writer: {max_batch_messages: 1}\ndatabase: {dsn: dbname=b}",
  );
  assertEquals(restartNeededFor(before, after), []);
  assertEquals(restartNeededFor(before, before), []);
});

Deno.test("restartNeededFor() names keys as the YAML has them, and no value", () => {
  const after = loadText(
    `kafka:
  monitoring:
    bootstrap_servers: other
    ssl_cafile: ca.pem
    sasl_mechanism: plain
    sasl_username: me
    sasl_password: hunter2
    topic: other
agent:
  uuid: 0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90
  state_dir: other
  listen: 9100
  labels: {a: b}
  outbox_max_age_hours: 1`,
    {},
    FILES,
  );
  assertEquals(restartNeededFor(loadText("{}"), after), [
    "kafka.monitoring.bootstrap_servers",
    "kafka.monitoring.ssl_*",
    "kafka.monitoring.sasl_*",
    "kafka.monitoring.topic",
    "agent.uuid",
    "agent.state_dir",
    "agent.labels",
    "agent.listen",
    "agent.outbox_max_age_hours",
  ]);
});

import { assertEquals, assertMatch } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runConsumer } from "../../consume/run.ts";
import { newConsumerStats } from "../../consume/stats.ts";
import { startKafka } from "../../local/kafka/kafka.ts";
import { waitFor } from "../../local/wait.ts";
import { systemClock } from "../../runtime/clock.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";

Deno.test("runConsumer() tells once of a broker that falls silent, and that it answers again", async () => {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "httpmon-silent-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const kafka = await startKafka({ folder });
  parts.defer(() => kafka.stop());
  const { kafka: config } = loadedConfig("writer", {
    kafka: { monitoring: { bootstrap_servers: kafka.brokers, request_timeout_ms: 10_000 } },
    database: { dsn: "postgres://127.0.0.1/never_used" },
  });
  const log = recordingLog();
  const told = () => log.lines.filter(({ level }) => ["error", "notice"].includes(level));
  const says = (message: string) => told().some((line) => line.message === message);
  const stop = new AbortController();
  const running = runConsumer({
    consumer: "test",
    config,
    sink: { store: () => Promise.reject(new Error("nothing comes")) },
    offsets: { read: () => Promise.resolve(new Map()), move: () => Promise.resolve(true) },
    stats: newConsumerStats(0),
    clock: systemClock,
    log,
    signal: stop.signal,
    concurrency: 1,
    maxBatchRecords: 100,
  });
  await waitFor("the group", () => says("Joined the consumer group"), 120_000);
  kafka.kill("SIGSTOP");
  const from = told().length;
  await waitFor("what is told", () => told().length > from, 120_000);
  // Its further tries fail in other words.
  await waitFor("more failures", () => log.lines.length > 5, 120_000);
  kafka.kill("SIGCONT");
  await waitFor("the end", () => told().at(-1)!.level === "notice", 120_000);
  stop.abort();
  await running;
  const [silence, ...rest] = told().slice(from);
  assertMatch(String(silence!.fields.advice), /^the broker does not answer/);
  const levels = [silence!, ...rest].map(({ level }) => level);
  assertEquals(levels, ["error", "notice"], Deno.inspect(log.lines.slice(-20), { depth: 6 }));
});

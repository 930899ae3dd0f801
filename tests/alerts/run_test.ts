import { assertEquals, assertStringIncludes } from "@std/assert";
import { runAlerter } from "../../alerts/run.ts";
import { newSenderStats } from "../../alerts/outbox/stats.ts";
import { createOffsets } from "../../consume/offsets.ts";
import { newConsumerStats } from "../../consume/stats.ts";
import { waitFor } from "../../local/wait.ts";
import { systemClock } from "../../runtime/clock.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { ownDatabase } from "../db/fixture.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { produce, sevenFields } from "../support/topic_io.ts";
import { SECRET, startReceiver } from "./receiver.ts";

const WAIT_MS = 90_000;
const SITE = "https://shop.example/";

/** What is run on a topic of its own: results go in, and an alerter runs until something is so. */
async function alerterOn(
  database: Awaited<ReturnType<typeof ownDatabase>>,
  channel: Record<string, unknown>,
  topicConfig: Record<string, string> = {},
) {
  const { brokers } = await kafkaForTests();
  const topic = await freshTopic({ partitions: 2, config: topicConfig });
  const config = loadedConfig("alerts", {
    kafka: {
      monitoring: {
        bootstrap_servers: brokers,
        topic,
        consumer_group: topic,
        batch_timeout_ms: 100,
      },
    },
    alerts: { channels: { hook: channel } },
    database: { dsn: database.dsn },
  });
  const startUs = BigInt(Date.now()) * 1_000n;
  let sent = 0;
  return {
    see: (letters: string) =>
      produce(
        topic,
        [...letters].map((letter) => ({
          key: SITE,
          value: JSON.stringify(sevenFields(sent, {
            url: SITE,
            ts: formatTimestamp(startUs + BigInt(sent++)),
            responseCode: letter === "u" ? 200 : 503,
          })),
        })),
      ),
    /** @returns What it logged as an ERROR */
    running: async (until: (errors: () => string[]) => boolean) => {
      const controller = new AbortController();
      const log = recordingLog();
      const errors = () =>
        log.lines.filter(({ level }) => level === "error").map(({ message }) => message);
      const alerter = runAlerter(config, {
        pool: database.pool,
        offsets: createOffsets(database.pool),
        fetch,
        clock: systemClock,
        log,
        signal: controller.signal,
        concurrency: 3,
        stats: newConsumerStats(systemClock.monotonic()),
        sending: newSenderStats(["hook"]),
        unready: () => [],
        firstWaitMs: 20,
      });
      try {
        await waitFor("it is so", () => until(errors), WAIT_MS);
      } finally {
        controller.abort();
        await alerter;
      }
      return errors();
    },
  };
}

Deno.test("runAlerter() tells that a site went down, and that it came back, from Kafka to a webhook", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver((n) => n === 0 ? "fail" : "take");
  const { see, running } = await alerterOn(database, { ...receiver.channel, secret: SECRET });

  await see("uuddd");
  const errors = await running(() => receiver.told().length === 1);
  assertEquals(errors, ["A notification was not taken, trying again"]);
  await see("uu");
  // Another alerter goes on where the first has stopped.
  assertEquals(await running(() => receiver.told().length === 2), []);

  assertEquals(receiver.wrong, []);
  assertEquals(receiver.told(), [`${SITE} opened`, `${SITE} resolved`]);
  assertEquals(receiver.taken.length, 2);
  const [opened, resolved] = receiver.taken.map(({ notice }) => notice.incident);
  assertEquals([opened!.kind, opened!.severity, opened!.cause], ["down", "critical", "status 503"]);
  assertEquals([opened!.closedAt, resolved!.closedAt === null], [null, false]);
  assertEquals([resolved!.id, resolved!.openedAt], [opened!.id, opened!.openedAt]);
});

Deno.test("runAlerter() says where a topic's records have not the broker's time", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  const { running } = await alerterOn(database, receiver.channel, {
    "message.timestamp.type": "CreateTime",
  });
  const [error, ...others] = await running((errors) => errors().length > 0);
  assertStringIncludes(error!, "set the topic's message.timestamp.type to LogAppendTime");
  assertEquals(others, []);
});

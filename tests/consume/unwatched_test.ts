import { assertEquals } from "@std/assert";
import type { StoredOffset } from "../../consume/offsets.ts";
import { runConsumer } from "../../consume/run.ts";
import { newConsumerStats } from "../../consume/stats.ts";
import { waitFor } from "../../local/wait.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { recordHash } from "../../runtime/record_hash.ts";
import { kafkaSection, loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { makeAnew, produce, sevenFields } from "../support/topic_io.ts";

let passed = 0;
/** The machine's, but for times that pass at once. */
const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passed };

/** Longer than a consumer goes without a fetch and without a check. */
function letALongTimePass(): void {
  passed += 3_000;
}

/** A consumer on the real Kafka, whose sink is held up by `hold` once it has a batch's records. */
async function setUp(topic: string, hold: (batch: number) => Promise<void>) {
  const { brokers } = await kafkaForTests();
  const stop = new AbortController();
  const log = recordingLog();
  const stats = newConsumerStats(clock.monotonic());
  const urls: string[] = [];
  let stored: StoredOffset | null = null;
  const { kafka: config } = loadedConfig("writer", {
    kafka: kafkaSection(brokers, topic),
    database: { dsn: "postgres://127.0.0.1/never_used" },
  });
  const running = runConsumer({
    consumer: "x",
    config,
    offsets: {
      read: () => Promise.resolve(new Map(stored ? [[0, stored]] : [])),
      move(_source, from, nextOffset) {
        if (stored?.nextOffset !== from) return Promise.resolve(false);
        stored = { nextOffset, lastHash: null, lastTimestamp: null };
        return Promise.resolve(true);
      },
    },
    sink: {
      async store(_source, records) {
        await hold(stats.batches);
        for (const { value } of records) urls.push(JSON.parse(String(value)).url);
        const last = records.at(-1)!;
        const nextOffset = last.offset + 1n;
        stored = { nextOffset, lastHash: recordHash(last), lastTimestamp: last.timestamp };
        return { kind: "stored", skipped: 0, nextOffset };
      },
    },
    clock,
    log,
    signal: stop.signal,
    concurrency: 1,
    maxBatchRecords: 5_000,
    stats,
  });
  return {
    urls,
    stats,
    async reaches(count: number): Promise<void> {
      await waitFor(`${count} results`, () => urls.length >= count, 120_000);
    },
    errors: () => log.lines.filter(({ level }) => level === "error").map(({ message }) => message),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

function fields(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => sevenFields(from + i));
}

function toTopic(topic: string, results: ReturnType<typeof fields>): Promise<void> {
  return produce(topic, results.map((result) => ({ value: JSON.stringify(result) })));
}

Deno.test("runConsumer() checks after a long time without a fetch, and reads nothing twice", async () => {
  const topic = await freshTopic();
  await using consumer = await setUp(topic, async (batch) => {
    // What is there at the next fetch, so that it is answered at once.
    if (batch < 3) await toTopic(topic, fields(10 * (batch + 1), 10));
    letALongTimePass();
  });
  await toTopic(topic, fields(0, 10));
  await consumer.reaches(40);
  assertEquals(consumer.urls, fields(0, 40).map(({ url }) => url));
  assertEquals([consumer.stats.topicsAnew, consumer.errors()], [0, []]);
});

Deno.test("runConsumer() notices a topic made anew between two fetches, and longer by then", async () => {
  const topic = await freshTopic();
  await using consumer = await setUp(topic, async (batch) => {
    if (batch > 0) return;
    await makeAnew(topic);
    await toTopic(topic, fields(1_000, 30));
    letALongTimePass();
  });
  await toTopic(topic, fields(0, 10));
  await consumer.reaches(40);
  assertEquals(consumer.urls, [...fields(0, 10), ...fields(1_000, 30)].map(({ url }) => url));
  assertEquals([consumer.stats.topicsAnew, consumer.errors().length], [1, 1]);
});

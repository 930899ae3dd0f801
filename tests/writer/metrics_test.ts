import { assert, assertEquals } from "@std/assert";
import type { StoredOffset } from "../../consume/offsets.ts";
import { consumerHealth } from "../../consume/ops.ts";
import { recordFailure } from "../../consume/stats.ts";
import type { StoreOutcome } from "../../db/store/outcome.ts";
import { waitFor } from "../../local/wait.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { startOps } from "../../runtime/ops/ops.ts";
import { addWriterMetrics } from "../../writer/metrics.ts";
import { runWriter } from "../../writer/run.ts";
import { newWriterStats, recordDeadLetters } from "../../writer/stats.ts";
import { kafkaSection, loadedConfig } from "../support/config.ts";
import { parseExposition, valueOf } from "../support/metrics/exposition.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { assertDocumented, metricsDoc } from "../support/metrics/metrics_doc.ts";
import { recordingLog } from "../support/recording_log.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { produce, sevenFields } from "../support/topic_io.ts";

/** The server of a writer that is acted out, or that runs with these `stats`. */
async function ops(clock: Clock = new FakeClock()) {
  const stats = newWriterStats(clock.monotonic());
  const stop = new AbortController();
  const server = (await startOps({
    mode: "writer",
    listen: { host: "127.0.0.1", port: 0 },
    addMetrics: (metrics) => addWriterMetrics(metrics, stats),
    ...consumerHealth("writer", stats, clock, stop.signal),
    clock,
    log: recordingLog(),
  }))!;
  const origin = `http://127.0.0.1:${server.address.port}`;
  const scrape = async () => parseExposition(await (await fetch(`${origin}/metrics`)).text());
  return {
    stats,
    signal: stop.signal,
    stop: () => stop.abort(),
    scrape,
    async values(...names: string[]) {
      const found = await scrape();
      return names.map((name) => valueOf(found, `httpmon_writer_${name}`));
    },
    async lags() {
      const { samples } = (await scrape()).get("httpmon_writer_lag_records")!;
      return samples.map(({ labels, value }) => [labels.partition, value]);
    },
    async state(path: "/healthz" | "/readyz") {
      const response = await fetch(origin + path);
      const { reasons = [] } = await response.json();
      return [response.status, ...reasons];
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

Deno.test("docs/metrics.md lists exactly a writer's metrics", async () => {
  await using writer = await ops();
  writer.stats.partitions.set(0, { position: 0n, end: 0n, failing: null });
  assertDocumented(await metricsDoc(), ["Both", "Writer"], await writer.scrape());
});

Deno.test("docs/metrics.md names no metric in its alerts that there is not", async () => {
  const doc = await metricsDoc();
  const [tables, alerts] = doc.split("\n## Alerts\n");
  const used = [...alerts!.matchAll(/httpmon_[a-z_]+/g)].map(([name]) =>
    name.replace(/_(bucket|count|sum)$/, "")
  );
  assert(used.length > 8);
  assertEquals(used.filter((name) => !tables!.includes(`| \`${name}\` `)), []);
});

Deno.test("addWriterMetrics() shows the counters", async () => {
  await using writer = await ops();
  const { stats } = writer;
  Object.assign(stats, { batches: 1, inserted: 2, duplicates: 3, skipped: 4 });
  Object.assign(stats, { expiredUnread: 5, topicsAnew: 6, joins: 7, joined: true });
  stats.transactions.record(40);
  recordDeadLetters(stats, { bad_json: 2, key_taken: 1 });
  recordDeadLetters(stats, { bad_json: 3 });
  recordFailure(stats, "store", 0);
  assertEquals(
    await writer.values(
      "batches_total",
      "rows_inserted_total",
      "duplicates_total",
      "records_skipped_total",
      "records_expired_total",
      "topics_anew_total",
      "group_joins_total",
      "group_joined",
      "transaction_duration_seconds_count",
      "transaction_duration_seconds_sum",
    ),
    [1, 2, 3, 4, 5, 6, 7, 1, 1, 0.04],
  );
  const found = await writer.scrape();
  const dead = found.get("httpmon_writer_dead_letters_total")!.samples;
  assertEquals(dead.length, 14);
  assertEquals(
    dead.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.reason, value]),
    [["bad_json", 5], ["key_taken", 1]],
  );
  assertEquals(
    found.get("httpmon_writer_retries_total")!.samples.map(({ labels, value }) => [
      labels.attempt,
      value,
    ]),
    [["kafka", 0], ["consume", 0], ["place", 0], ["store", 1], ["partitions", 0]],
  );
});

Deno.test("addWriterMetrics() shows a lag for each partition whose place is known", async () => {
  await using writer = await ops();
  const { partitions } = writer.stats;
  partitions.set(0, { position: 10n, end: 25n, failing: null });
  partitions.set(1, { position: null, end: null, failing: "place" });
  // The end was heard of before the position moved on.
  partitions.set(2, { position: 12n, end: 11n, failing: null });
  assertEquals(await writer.lags(), [["0", 15], ["2", 0]]);
  assertEquals(await writer.values("assigned_partitions"), [3]);
});

Deno.test("a writer is ready while it is in the group and nothing failed at the last try", async () => {
  await using writer = await ops();
  const { stats } = writer;
  assertEquals(await writer.state("/readyz"), [503, "The writer is not in its consumer group"]);
  stats.joined = true;
  assertEquals(await writer.state("/readyz"), [200]);
  stats.partitions.set(0, { position: 1n, end: 1n, failing: "store" });
  stats.partitions.set(1, { position: null, end: null, failing: "place" });
  stats.partitions.set(2, { position: 1n, end: 1n, failing: "store" });
  assertEquals(await writer.state("/readyz"), [
    503,
    "The place to read from cannot be found (partition 1); see the log",
    "Results cannot be stored (partition 0, 2); see the log",
  ]);
  assertEquals(await writer.state("/healthz"), [200]);
  stats.partitions.clear();
  writer.stop();
  assertEquals(await writer.state("/readyz"), [503, "The writer is stopping"]);
  assertEquals(await writer.state("/healthz"), [200]);
});

Deno.test("a writer is unhealthy when its consumer does nothing for five minutes", async () => {
  const clock = new FakeClock();
  await using writer = await ops(clock);
  const { stats } = writer;
  stats.joined = true;
  await clock.advance(300_000);
  assertEquals(await writer.state("/healthz"), [200]);
  await clock.advance(20_000);
  const reason = "The consumer has shown no sign of life for 320 s";
  assertEquals(await writer.state("/healthz"), [503, reason]);
  assertEquals(await writer.state("/readyz"), [503, reason]);
  recordFailure(stats, "consume", clock.monotonic());
  assertEquals(await writer.state("/healthz"), [200]);
});

/** The machine's, on which nobody waits for long. */
const impatientClock: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms / 10, run),
};

Deno.test("a writer's lag grows while nothing can be stored, and goes when it can again", async () => {
  const topic = await freshTopic({ partitions: 2 });
  const { brokers } = await kafkaForTests();
  const config = loadedConfig("writer", {
    kafka: kafkaSection(brokers, topic),
    database: { dsn: "postgres://127.0.0.1/never_used" },
  });
  await using writer = await ops(impatientClock);
  let works = false;
  const stored = new Map<number, StoredOffset>();
  const log = recordingLog();
  const running = runWriter(config, {
    store: {
      ensurePartitionsAhead: () => Promise.resolve(0),
      storeBatch({ partition }, records): Promise<StoreOutcome> {
        if (!works) return Promise.reject(new Error("the database is away"));
        const inserted = records.length;
        const nextOffset = records.at(-1)!.offset + 1n;
        stored.set(partition, { nextOffset, lastHash: null, lastTimestamp: null });
        const none = { duplicates: 0, deadLetters: 0, expired: 0, skipped: 0 };
        return Promise.resolve({ kind: "stored", inserted, ...none, nextOffset });
      },
    },
    offsets: { read: () => Promise.resolve(stored), move: () => Promise.resolve(true) },
    clock: impatientClock,
    log,
    signal: writer.signal,
    concurrency: 3,
    stats: writer.stats,
  });
  const send = (from: number, count: number, partition: number) =>
    produce(
      topic,
      Array.from({ length: count }, (_, i) => ({
        value: JSON.stringify(sevenFields(from + i)),
        partition,
      })),
    );
  const lags = async () => JSON.stringify(await writer.lags());
  const becomes = async (what: string, text: string) =>
    await waitFor(`${what}: ${text}`, async () => await lags() === text, 60_000);

  await becomes("the lag of an empty topic", '[["0",0],["1",0]]');
  assertEquals(await writer.values("assigned_partitions", "group_joined"), [2, 1]);
  await waitFor("readiness", async () => (await writer.state("/readyz"))[0] === 200, 60_000);

  await send(0, 3, 0);
  await becomes("the lag at the first failure", '[["0",3],["1",0]]');
  const reason = "Results cannot be stored (partition 0); see the log";
  await waitFor(reason, async () => (await writer.state("/readyz")).includes(reason), 60_000);
  // Nothing is fetched of partition 0 now, so only asking tells.
  await send(3, 4, 0);
  await becomes("the lag while it fails", '[["0",7],["1",0]]');
  const retries = async () =>
    valueOf(await writer.scrape(), "httpmon_writer_retries_total", { attempt: "store" });
  await waitFor("another try", async () => await retries() > 1, 60_000);

  works = true;
  await becomes("the lag in the end", '[["0",0],["1",0]]');
  await waitFor("readiness", async () => (await writer.state("/readyz"))[0] === 200, 60_000);
  assertEquals(await writer.values("rows_inserted_total"), [7]);
  writer.stop();
  await running;
  assertEquals(await writer.lags(), []);
  assertEquals(
    log.lines.filter(({ level }) => level === "error").map(({ message }) => message),
    ["Storing a batch failed, trying again until it works"],
  );
});

import type { Config } from "../config/types.ts";
import type { ResultStore } from "../db/store.ts";
import { createKafka } from "../kafka/client.ts";
import { isPassing } from "../kafka/failure.ts";
import { ensureTopic } from "../kafka/topic.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log.ts";
import { retryUntil } from "../runtime/retry.ts";
import { consume } from "./consume.ts";
import { newWriterStats, type WriterStats } from "./stats.ts";

/** Partitions are made this much ahead of need, looked after this often. */
const PARTITION_CHECK_MS = 3_600_000;

/** What a writer is handed. */
export interface WriterDeps {
  store: ResultStore;
  clock: Clock;
  log: Logger;
  /** Asks the writer to stop. */
  signal: AbortSignal;
  /** As many partitions are stored side by side; each takes a connection of the pool. */
  concurrency: number;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
}

/**
 * Runs a writer until `signal` aborts: topic, consumer group, tables. What fails on the way (Kafka or
 * PostgreSQL away, tables not made yet) is tried again for as long as it takes.
 *
 * @returns What it has done
 */
export async function runWriter(config: Config, deps: WriterDeps): Promise<WriterStats> {
  const { log } = deps;
  const tries = { ...deps, isPassing };
  const stats = newWriterStats();
  const kafka = createKafka(config.kafka, "httpmon-writer", log);

  const ahead = keepPartitionsAhead(deps);
  await retryUntil("Reaching Kafka", async () => {
    const admin = kafka.admin();
    try {
      await admin.connect();
      if (await ensureTopic(admin, config.kafka)) {
        log.info({ topic: config.kafka.topic }, "Made the topic");
      }
    } finally {
      await admin.disconnect();
    }
  }, tries);

  const consuming = retryUntil("Consuming", () =>
    consume({
      ...deps,
      kafka,
      config: config.kafka,
      stats,
      maxBatchMessages: config.writer.maxBatchMessages,
    }), tries);
  await withinAfterAbort(config.writer.shutdownTimeoutMs, consuming, deps);
  await ahead;
  log.info({ ...stats }, "The writer has stopped");
  return stats;
}

async function keepPartitionsAhead(deps: WriterDeps): Promise<void> {
  const { store, clock, signal } = deps;
  while (!signal.aborted) {
    await retryUntil("Making partitions ahead", () => store.ensurePartitionsAhead(), deps);
    await sleep(clock, PARTITION_CHECK_MS, signal);
  }
}

/** Waits for `work`, but no longer than `ms` after the abort: what is open then, the database undoes. */
async function withinAfterAbort(
  ms: number,
  work: Promise<unknown>,
  { clock, log, signal }: WriterDeps,
): Promise<void> {
  const ended = new AbortController();
  const deadline = async () => {
    await sleep(clock, ms, ended.signal);
    if (!ended.signal.aborted) log.error({ ms }, "Stopping took too long, leaving the rest undone");
  };
  const afterAbort = new Promise<void>((resolve) => {
    const start = () => void deadline().then(resolve);
    if (signal.aborted) start();
    else signal.addEventListener("abort", start, { once: true });
  });
  await Promise.race([work, afterAbort]);
  ended.abort();
}

import type { Config } from "../config/types.ts";
import { adviceFor } from "../db/connect/advice.ts";
import type { ResultStore } from "../db/store/store.ts";
import { createKafka } from "../kafka/client.ts";
import { isPassing } from "../kafka/failure.ts";
import { ensureTopic } from "../kafka/topic.ts";
import { aborted, within } from "../runtime/abort.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log.ts";
import { type RetryDeps, retryUntil } from "../runtime/retry.ts";
import { consume } from "./consume.ts";
import { type Attempt, newWriterStats, recordFailure, type WriterStats } from "./stats.ts";

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
  /** Kept up to date while the writer runs. @default new ones */
  stats?: WriterStats;
}

/**
 * Runs a writer until `signal` aborts: topic, consumer group, tables. What fails on the way (Kafka or
 * PostgreSQL away, tables not made yet) is tried again for as long as it takes.
 *
 * @returns What it has done
 */
export async function runWriter(config: Config, deps: WriterDeps): Promise<WriterStats> {
  const { log, clock, stats = newWriterStats(clock.monotonic()) } = deps;
  const tries = (attempt: Attempt) => ({
    ...deps,
    isPassing,
    advise: adviceFor,
    onFailure: () => recordFailure(stats, attempt, clock.monotonic()),
  });
  const kafka = createKafka(config.kafka, "httpmon-writer", log);

  const working = Promise.all([
    keepPartitionsAhead(tries("partitions")),
    retryUntil("Reaching Kafka", () => ensureTopic(kafka, config.kafka, log), tries("kafka"))
      .then(() =>
        retryUntil("Consuming", (joined) =>
          consume({
            ...deps,
            kafka,
            config: config.kafka,
            stats,
            maxBatchMessages: config.writer.maxBatchMessages,
            joined,
          }), tries("consume"))
      ),
  ]);
  // What is open at the deadline, the database undoes.
  await Promise.race([working, aborted(deps.signal)]);
  if (!await within(clock, config.writer.shutdownTimeoutMs, working)) {
    log.error(
      { ms: config.writer.shutdownTimeoutMs },
      "Stopping took too long, leaving the rest undone",
    );
  }
  const { batches, inserted, duplicates, deadLetters, skipped, expiredUnread, topicsAnew } = stats;
  log.info(
    { batches, inserted, duplicates, deadLetters, skipped, expiredUnread, topicsAnew },
    "The writer has stopped",
  );
  return stats;
}

async function keepPartitionsAhead(deps: WriterDeps & RetryDeps): Promise<void> {
  const { store, clock, signal } = deps;
  while (!signal.aborted) {
    await retryUntil("Making partitions ahead", () => store.ensurePartitionsAhead(), deps);
    await sleep(clock, PARTITION_CHECK_MS, signal);
  }
}

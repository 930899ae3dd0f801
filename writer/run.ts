import type { Config } from "../config/types.ts";
import { untilStopped } from "../consume/mode.ts";
import { type ConsumerDeps, runConsumer } from "../consume/run.ts";
import { recordFailure } from "../consume/stats.ts";
import { adviceFor } from "../db/connect/advice.ts";
import type { ResultStore } from "../db/store/store.ts";
import { sleep } from "../runtime/clock.ts";
import { newSpells, type Spell } from "../runtime/log/spell.ts";
import { retryUntil } from "../runtime/retry.ts";
import { createResultSink } from "./sink.ts";
import { newWriterStats, type WriterStats } from "./stats.ts";

/** Partitions are made this much ahead of need, looked after this often. */
const PARTITION_CHECK_MS = 3_600_000;

/** What a writer is handed. */
export interface WriterDeps extends
  Pick<
    ConsumerDeps,
    "offsets" | "clock" | "log" | "signal" | "concurrency" | "passFailpoint" | "spells"
  > {
  store: Pick<ResultStore, "storeBatch" | "ensurePartitionsAhead">;
  /** Kept up to date while the writer runs. @default new ones */
  stats?: WriterStats;
}

/**
 * Runs a writer until `signal` aborts: the topic becomes rows. What fails on the way is tried again
 * for as long as it takes.
 *
 * @returns What it has done
 */
export async function runWriter(config: Config, deps: WriterDeps): Promise<WriterStats> {
  const { store, log, clock, stats = newWriterStats(clock.monotonic()) } = deps;
  const { spells = newSpells(clock) } = deps;
  const working = Promise.all([
    keepPartitionsAhead(deps, stats, spells.database),
    runConsumer({
      ...deps,
      spells,
      consumer: "writer",
      config: config.kafka,
      sink: createResultSink(store, stats),
      stats,
      maxBatchRecords: config.writer.maxBatchMessages,
    }),
  ]);
  await untilStopped(working, config.writer.shutdownTimeoutMs, deps);
  const { batches, inserted, duplicates, deadLetters, expired } = stats;
  const { skipped, expiredUnread, topicsAnew } = stats;
  log.notice(
    { batches, inserted, duplicates, deadLetters, expired, skipped, expiredUnread, topicsAnew },
    "The writer has stopped",
  );
  return stats;
}

async function keepPartitionsAhead(
  deps: WriterDeps,
  stats: WriterStats,
  spell: Spell,
): Promise<void> {
  const { store, clock, signal } = deps;
  while (!signal.aborted) {
    await retryUntil("Making partitions ahead", () => store.ensurePartitionsAhead(), {
      ...deps,
      spell,
      advise: adviceFor,
      onFailure: () => recordFailure(stats, "partitions", clock.monotonic()),
    });
    await sleep(clock, PARTITION_CHECK_MS, signal);
  }
}

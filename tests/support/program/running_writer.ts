import { createOffsets } from "../../../consume/offsets.ts";
import { createPool } from "../../../db/connect/pool.ts";
import { ResultStore } from "../../../db/store/store.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { kafkaSection, loadedConfig } from "../config.ts";
import { type LogLine, recordingLog } from "../recording_log.ts";
import { runWriter } from "../../../writer/run.ts";
import { newWriterStats, type WriterStats } from "../../../writer/stats.ts";
import { kafkaForTests } from "../stack.ts";

/** A writer of this process, on the real Kafka and the real PostgreSQL. */
export interface RunningWriter {
  /** What it logged at WARN or above. */
  complaints(): LogLine[];
  stats: WriterStats;
  stop(): Promise<WriterStats>;
}

/** Starts a writer that stores `topic` in the database `dsn`. */
export async function startWriter(
  topic: string,
  dsn: string,
  maxBatchMessages = 5_000,
): Promise<RunningWriter> {
  const { brokers } = await kafkaForTests();
  const config = loadedConfig("writer", {
    kafka: kafkaSection(brokers, topic),
    writer: { max_batch_messages: maxBatchMessages },
    database: { dsn },
  });
  const log = recordingLog();
  const pool = createPool(dsn, { max: 8, applicationName: "httpmon-test-writer", log });
  const controller = new AbortController();
  const stats = newWriterStats(systemClock.monotonic());
  const running = runWriter(config, {
    store: new ResultStore(pool, { log, lockTimeoutMs: 2_000 }),
    offsets: createOffsets(pool, { lockTimeoutMs: 2_000 }),
    clock: systemClock,
    log,
    signal: controller.signal,
    concurrency: 3,
    stats,
  });
  return {
    stats,
    complaints: () => log.lines.filter(({ level }) => level === "warn" || level === "error"),
    async stop() {
      controller.abort();
      try {
        return await running;
      } finally {
        await pool.end();
      }
    },
  };
}

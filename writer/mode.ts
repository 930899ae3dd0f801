import { CONCURRENCY, LOCK_TIMEOUT_MS } from "../consume/limits.ts";
import { createOffsets } from "../consume/offsets.ts";
import { consumerHealth } from "../consume/ops.ts";
import { createPool } from "../db/connect/pool.ts";
import { keepHistory } from "../db/history/keep_history.ts";
import { ResultStore } from "../db/store/store.ts";
import { within } from "../runtime/abort.ts";
import { EXIT, type ExitCode } from "../runtime/cli/exit_codes.ts";
import { failpointsFrom } from "../runtime/failpoints.ts";
import { newSpells } from "../runtime/log/spell.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { startOps } from "../runtime/ops/ops.ts";
import { addWriterMetrics } from "./metrics.ts";
import { runWriter } from "./run.ts";
import { newWriterStats, recordDeadLetters } from "./stats.ts";

/** Connections for partitions that wait for a lock, and for offsets and the days ahead. */
const MORE_CONNECTIONS = 5;
const CLOSE_MS = 1_000;

/** Mode "writer": stores what the topic brings until it is asked to stop. */
export async function writerMode(
  { config, clock, log, signal, onHangUp }: ModeContext,
): Promise<ExitCode> {
  onHangUp(() => log.notice({}, "A writer takes its config over at its start only: start it anew"));
  const stats = newWriterStats(clock.monotonic());
  const ops = await startOps({
    mode: "writer",
    listen: config.writer.listen,
    addMetrics: (metrics) => addWriterMetrics(metrics, stats),
    ...consumerHealth("writer", stats, clock, signal),
    clock,
    log,
  });
  const pool = createPool(config.database!.dsn, {
    max: CONCURRENCY + MORE_CONNECTIONS,
    applicationName: "httpmon-writer",
    log,
  });
  try {
    const passFailpoint = failpointsFrom();
    const spells = newSpells(clock);
    const store = new ResultStore(pool, {
      log,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      passFailpoint,
      onDeadLetters: (reasons) => recordDeadLetters(stats, reasons),
    });
    const upkeep = config.writer.maintain
      ? keepHistory({ ...config.database!, clock, log, signal, spell: spells.database })
      : Promise.resolve();
    const offsets = createOffsets(pool, { lockTimeoutMs: LOCK_TIMEOUT_MS });
    await runWriter(config, {
      store,
      offsets,
      clock,
      log,
      signal,
      concurrency: CONCURRENCY,
      stats,
      spells,
      passFailpoint,
    });
    await within(clock, CLOSE_MS, upkeep);
    return EXIT.done;
  } finally {
    // Connections that a frozen server holds are not waited for: the process ends anyway.
    await within(clock, CLOSE_MS, pool.end());
    // Last: until then /readyz says that the writer is stopping.
    await ops?.close();
  }
}

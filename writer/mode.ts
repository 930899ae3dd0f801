import { createPool } from "../db/connect/pool.ts";
import { createStore } from "../db/store/store.ts";
import { within } from "../runtime/abort.ts";
import { EXIT, type ExitCode } from "../runtime/exit_codes.ts";
import { failpointsFrom } from "../runtime/failpoints.ts";
import type { ModeContext } from "../runtime/mode_context.ts";
import { startWriterOps } from "./ops.ts";
import { runWriter } from "./run.ts";
import { newWriterStats, recordDeadLetters } from "./stats.ts";

/** Partitions stored side by side; with two cores more gain nothing. */
const CONCURRENCY = 3;

const CLOSE_MS = 1_000;

/** Mode "writer": stores what the topic brings until it is asked to stop. */
export async function writerMode({ config, clock, log, signal }: ModeContext): Promise<ExitCode> {
  const stats = newWriterStats(clock.monotonic());
  const ops = await startWriterOps({ listen: config.writer.listen, stats, clock, log, signal });
  const pool = createPool(config.database!.dsn, {
    // One more, for reading offsets and making partitions while all transactions run.
    max: CONCURRENCY + 1,
    applicationName: "httpmon-writer",
    log,
  });
  try {
    const passFailpoint = failpointsFrom();
    const store = createStore(pool, {
      log,
      passFailpoint,
      onDeadLetters: (reasons) => recordDeadLetters(stats, reasons),
    });
    const deps = { store, clock, log, signal, concurrency: CONCURRENCY, stats, passFailpoint };
    await runWriter(config, deps);
    return EXIT.done;
  } finally {
    // Connections that a frozen server holds are not waited for: the process ends anyway.
    await within(clock, CLOSE_MS, pool.end());
    // Last: until then /readyz says that the writer is stopping.
    await ops?.close();
  }
}

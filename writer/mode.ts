import { createPool } from "../db/pool.ts";
import { createStore } from "../db/store.ts";
import { EXIT, type ExitCode } from "../runtime/exit_codes.ts";
import { failpointsFrom } from "../runtime/failpoints.ts";
import type { ModeContext } from "../runtime/mode_context.ts";
import { runWriter } from "./run.ts";

/** Partitions stored side by side; with two cores more gain nothing. */
const CONCURRENCY = 3;

/** Mode "writer": stores what the topic brings until it is asked to stop. */
export async function writerMode({ config, clock, log, signal }: ModeContext): Promise<ExitCode> {
  const pool = createPool(config.database!.dsn, {
    // One more, for reading offsets and making partitions while all transactions run.
    max: CONCURRENCY + 1,
    applicationName: "httpmon-writer",
    log,
  });
  try {
    const passFailpoint = failpointsFrom();
    const store = createStore(pool, { log, passFailpoint });
    const deps = { store, clock, log, signal, concurrency: CONCURRENCY, passFailpoint };
    await runWriter(config, deps);
    return EXIT.done;
  } finally {
    await pool.end();
  }
}

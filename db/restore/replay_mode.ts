import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { createPool } from "../connect/pool.ts";
import { withPool } from "../connect/with_pool.ts";
import { ResultStore } from "../store/store.ts";
import { replay, type Replayed } from "./replay.ts";

/** Mode "replay": stores dead letters again, and says what became of them. */
export async function replayMode(
  { config, options, clock, log, signal }: ModeContext,
): Promise<ExitCode> {
  const pool = createPool(config.database!.dsn, {
    max: 1,
    applicationName: "httpmon-replay",
    log,
  });
  return await withPool(pool, async () => {
    const store = new ResultStore(pool, { log, clock });
    const done = await replay(pool, store, options, signal);
    for (const line of summary(done, options.dryRun)) console.log(line);
    if (!signal.aborted) return EXIT.done;
    console.error("httpmon: Stopped before it was done; run it again to go on");
    return EXIT.failed;
  });
}

function summary({ stored, expired, failed, unreadable }: Replayed, isDry: boolean): string[] {
  const lines = [
    isDry ? `Can be read, and would be tried: ${stored}` : `Stored now: ${stored}`,
    ...Object.entries(failed).map(([reason, count]) =>
      `Still not to be stored, ${reason}: ${count}`
    ),
  ];
  if (expired > 0) lines.push(`Of days that the retention dropped: ${expired}`);
  if (unreadable > 0) {
    lines.push(
      `Cannot be replayed, bad_batch: ${unreadable}; only the first bytes were kept, and the topic has ` +
        "the rest as long as it keeps it",
    );
  }
  return lines;
}

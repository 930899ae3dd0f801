import process from "node:process";
import { EXIT, type ExitCode } from "../../runtime/exit_codes.ts";
import type { ModeContext } from "../../runtime/mode_context.ts";
import { dumpResults } from "./dump.ts";
import { explainFailure } from "../connect/explain_failure.ts";
import { createPool } from "../connect/pool.ts";

/** Mode "dbdump": prints stored results to standard output, one JSON object a line. */
export async function dumpMode({ config, options, log, signal }: ModeContext): Promise<ExitCode> {
  const pool = createPool(config.database!.dsn, {
    max: 1,
    applicationName: "httpmon-dbdump",
    queryTimeoutMs: 0,
    log,
  });
  process.stdout.on("error", ignore);
  try {
    await dumpResults(pool, options, (lines) => print(lines, signal), signal);
    return EXIT.done;
  } catch (error) {
    // The reader has seen enough, as `head` does.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return EXIT.done;
    console.error(`httpmon: ${explainFailure(error)}`);
    return EXIT.failed;
  } finally {
    await pool.end();
    process.stdout.off("error", ignore);
  }
}

/** Resolves when the reader has taken it, or when nobody waits for that any more. */
function print(lines: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.onabort = () => resolve();
    process.stdout.write(lines, (error) => error ? reject(error) : resolve());
  });
}

/** A failed write is told twice: to its callback, and as an event that would end the process. */
function ignore(): void {}

import process from "node:process";
import { EXIT, type ExitCode, UsageError } from "../../runtime/exit_codes.ts";
import type { ModeContext } from "../../runtime/mode_context.ts";
import { explainFailure } from "../connect/explain_failure.ts";
import { createPool } from "../connect/pool.ts";
import { dumpResults } from "./dump.ts";
import type { Format } from "./formats.ts";

/** Mode "dbdump": prints stored results or rollups to standard output. */
export async function dumpMode({ config, options, log, signal }: ModeContext): Promise<ExitCode> {
  const filter = { ...options, format: options.format as Format };
  if (options.format === "parquet" && process.stdout.isTTY) {
    throw new UsageError("Parquet is no text: send it to a file, as with > results.parquet");
  }
  const pool = createPool(config.database!.dsn, {
    max: 1,
    applicationName: "httpmon-dbdump",
    queryTimeoutMs: 0,
    log,
  });
  process.stdout.on("error", ignore);
  try {
    await dumpResults(pool, filter, (output) => print(output, signal), signal);
    return EXIT.done;
  } catch (error) {
    if (error instanceof OutputError) {
      // The reader has seen enough, as `head` does.
      if ((error.cause as NodeJS.ErrnoException).code === "EPIPE") return EXIT.done;
      console.error(`httpmon: Cannot write to standard output: ${error.message}`);
      return EXIT.failed;
    }
    console.error(`httpmon: ${explainFailure(error)}`);
    return EXIT.failed;
  } finally {
    await pool.end();
    process.stdout.off("error", ignore);
  }
}

/** The reader of the output, or the disk that it goes to, takes no more. */
class OutputError extends Error {}

/** Resolves when the reader has taken it, or when nobody waits for that any more. */
async function print(output: string | Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      signal.onabort = () => resolve();
      process.stdout.write(output, (error) => error ? reject(error) : resolve());
    });
  } catch (error) {
    throw new OutputError((error as Error).message, { cause: error });
  }
}

/** A failed write is told twice: to its callback, and as an event that would end the process. */
function ignore(): void {}

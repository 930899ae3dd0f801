import process from "node:process";
import { EXIT, type ExitCode, UsageError } from "../../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { withOutput } from "../../runtime/cli/output.ts";
import { createPool } from "../connect/pool.ts";
import { withPool } from "../connect/with_pool.ts";
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
  return await withPool(pool, () =>
    withOutput(signal, async (print) => {
      await dumpResults(pool, filter, print, signal);
      return EXIT.done;
    }));
}

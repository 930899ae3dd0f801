import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { migrate, type MigrateResult } from "./migrate.ts";
import { explainFailure } from "../connect/explain_failure.ts";

/** Mode "init-schema": makes or upgrades the tables and says what it has done. */
export async function initSchemaMode({ config, log, signal }: ModeContext): Promise<ExitCode> {
  try {
    const result = await migrate(config.database!.dsn, {
      log,
      signal,
      onWait: () => console.error("Waiting for another init-schema to end"),
      onProgress: ({ done, total }) => {
        console.error(
          total === null
            ? `Filling in: ${done} rows`
            : `Carrying over the older program's results: ${done} of ${total}`,
        );
      },
    });
    for (const line of summary(result)) console.log(line);
    return EXIT.done;
  } catch (error) {
    if (signal.aborted) {
      // Not 0, as what is started next relies on the tables.
      console.error("httpmon: Stopped before it was done; run it again to go on");
      return EXIT.failed;
    }
    console.error(`httpmon: ${explainFailure(error)}`);
    return EXIT.failed;
  }
}

function summary({ applied, carriedOver, partitions }: MigrateResult): string[] {
  const lines = applied.map((name) => `Applied ${name}`);
  if (carriedOver !== null) {
    lines.push(
      `Carried over ${carriedOver} results; the older table is kept as "mon_daily_before_httpmon"`,
    );
  }
  if (partitions > 0) lines.push(`Made ${partitions} daily partitions`);
  return lines.length > 0 ? lines : ["The tables are up to date"];
}

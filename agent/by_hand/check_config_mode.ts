import process from "node:process";
import { EXIT, type ExitCode } from "../../runtime/exit_codes.ts";
import type { ModeContext } from "../../runtime/mode_context.ts";
import { configSummary } from "./config_summary.ts";

/**
 * Mode "check-config": prints what the config makes run. A config that is wrong has not come so far:
 * all that is wrong with it was printed, for exit code 2.
 */
export async function checkConfigMode(
  { config, configSource }: Pick<ModeContext, "config" | "configSource">,
): Promise<ExitCode> {
  const lines = [`Config "${configSource.file}" is fine`, "", ...configSummary(config)];
  process.stdout.on("error", ignore);
  try {
    await new Promise<void>((resolve) =>
      process.stdout.write(`${lines.join("\n")}\n`, () => resolve())
    );
    return EXIT.done;
  } finally {
    process.stdout.off("error", ignore);
  }
}

/** Of a reader that has seen enough, as `head` has. */
function ignore(): void {}

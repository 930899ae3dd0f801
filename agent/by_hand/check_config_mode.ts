import { EXIT, type ExitCode } from "../../runtime/exit_codes.ts";
import type { ModeContext } from "../../runtime/mode_context.ts";
import { withOutput } from "../../runtime/output.ts";
import { configSummary } from "./config_summary.ts";

/**
 * Mode "check-config": prints what the config makes run. A config that is wrong has not come so far:
 * all that is wrong with it was printed, for exit code 2.
 */
export function checkConfigMode(
  { config, configSource, signal }: Pick<ModeContext, "config" | "configSource" | "signal">,
): Promise<ExitCode> {
  return withOutput(signal, async (print) => {
    const lines = [`Config "${configSource.file}" is fine`, "", ...configSummary(config)];
    await print(`${lines.join("\n")}\n`);
    return EXIT.done;
  });
}

import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import type { Finding } from "../../runtime/cli/finding.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { withOutput } from "../../runtime/cli/output.ts";
import { hideSecrets } from "../evidence/scrub.ts";
import { configSummary } from "./config_summary.ts";

/** How a finding's name and word are set off from its text. */
const WIDTH = 10;

/**
 * Mode "check-config": prints what the config makes run, and with `--connect` whether that can be
 * reached. A config that is wrong has not come so far: all that is wrong with it was printed, for exit
 * code 2.
 *
 * @param reach Looks at a part of what the modes need
 * @returns Failed where something cannot be reached
 */
export function checkConfigMode(
  { config, configSource, signal, options }: ModeContext,
  reach: readonly (() => AsyncIterable<Finding>)[],
): Promise<ExitCode> {
  return withOutput(signal, async (print) => {
    const lines = [`Config "${configSource.file}" is fine`, "", ...configSummary(config)];
    await print(`${lines.join("\n")}\n`);
    if (!options.connect) return EXIT.done;
    await print("\n");
    let code: ExitCode = EXIT.done;
    for (const look of reach) {
      for await (const { of, isFine, text } of look()) {
        if (!isFine) code = EXIT.failed;
        const shown = hideSecrets(text, config.secrets);
        await print(`${of.padEnd(WIDTH)}${isFine ? "ok" : "FAILED"}  ${shown}\n`);
      }
    }
    return code;
  });
}

/** `deno task demo`: the whole thing on this machine, to look at. */
import process from "node:process";
import { systemClock } from "../runtime/clock.ts";
import { EXIT, type ExitCode, UsageError } from "../runtime/cli/exit_codes.ts";
import { shutdownOn } from "../runtime/shutdown.ts";
import { DEMO_HELP, parseDemoOptions } from "./demo/options.ts";
import { runDemo } from "./demo/run.ts";
import { Screen } from "./demo/show/screen.ts";

const NEXT_STEPS = `
Next
  your own sites          deno task demo -c FILE (see config/config.sample.yaml)
  keep what it records    deno task demo --data DIR
  in production           README.md, "Use it"
  how it works            ARCHITECTURE.md`;

async function main(args: readonly string[]): Promise<ExitCode> {
  const screen = new Screen(process.stdout);
  // Ending at once leaves nothing behind either: the servers end with this process.
  const { signal, dispose } = shutdownOn(process, systemClock, () => {
    screen.keep();
    process.exit(EXIT.failed);
  });
  try {
    const options = parseDemoOptions(args);
    if (options.help) {
      console.log(DEMO_HELP);
      return EXIT.done;
    }
    // A task runs in the project's folder, and says where it was called from.
    const cwd = process.env.INIT_CWD ?? process.cwd();
    const code = await runDemo(options, { screen, clock: systemClock, signal, cwd });
    screen.print(NEXT_STEPS);
    return code;
  } catch (error) {
    screen.keep();
    console.error(error instanceof Error ? `\nhttpmon: ${error.message}` : error);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  } finally {
    dispose();
  }
}

process.exit(await main(process.argv.slice(2)));

import process from "node:process";
import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { encode } from "../../wire/encode.ts";
import type { Checked } from "../check/check.ts";
import { withOptions } from "./check_overrides.ts";
import { checker } from "./checker.ts";
import { findTarget } from "./check_target.ts";
import { repeatsOf } from "./show/times.ts";
import { reportOf } from "./show/report.ts";
import { paintFor, PLAIN, type Style } from "./show/style.ts";

/**
 * Mode "check": checks sites now, one after the other, and prints all that was seen of each, or with
 * --json the results as an agent would publish them. Needs no Kafka, keeps nothing.
 *
 * @returns 0 where all are up or degraded, 1 where one is down or unknown, or it was stopped
 * @throws {UsageError} Where there is no such site
 */
export async function checkMode(
  { config, configSource: { file, cwd }, options, clock, signal }: ModeContext,
): Promise<ExitCode> {
  const sites = options.args.map((target) =>
    withOptions(findTarget(target, config, file), options, cwd)
  );
  const style = { ...styleOfOutput(), isVerbose: options.verbose };
  let code: ExitCode = EXIT.done;
  const { warm, run, close } = checker(
    config.agent,
    clock,
    (error) => console.error(`httpmon: ${error}`),
  );
  try {
    for (const [i, site] of sites.entries()) {
      const all: Checked[] = [];
      await warm(site, signal);
      while (all.length < options.repeat) {
        const checked = await run(site, signal);
        if (!checked) {
          console.error("httpmon: Stopped before the end of the check");
          return EXIT.failed;
        }
        if (options.json) console.log(encode(checked.message));
        all.push(checked);
      }
      const isFine = all.every(({ message: { verdict } }) => /up|degraded/.test(verdict!));
      if (!isFine) code = EXIT.failed;
      if (options.json) continue;
      if (i > 0) console.log();
      const [first] = all as [Checked];
      console.log(
        options.repeat > 1
          ? repeatsOf(site, all, style)
          : reportOf(site, first, clock.now(), style),
      );
    }
    return code;
  } finally {
    await close();
  }
}

function styleOfOutput(): Style {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return PLAIN;
  return { paint: paintFor(true, process.env.NO_COLOR), columns: columns ?? null };
}

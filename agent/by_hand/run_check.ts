import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { loadConfig } from "../../config/load.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { checker } from "./checker.ts";

/**
 * Checks a URL once, for programs that embed httpmon: no Kafka, no schedule, nothing kept.
 *
 * @param settings As under a site of the config's `websites`: `{ regex: "ok", timeout: 5 }`; files that
 * they name are from the working directory
 * @param signal Aborts the check
 * @returns The result as an agent publishes it
 * @throws {ConfigError} With all that is wrong with the settings
 * @throws The signal's reason, where it was aborted
 */
export async function runCheck(
  url: string,
  settings: Readonly<Record<string, unknown>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<ResultMessage> {
  const folder = process.cwd();
  const file = join(folder, "runCheck");
  const text = JSON.stringify({ websites: { [url]: settings } });
  const { agent, sites } = loadConfig(file, {
    cwd: folder,
    env: {},
    readFile: (path) => path === file ? new TextEncoder().encode(text) : readFileSync(path),
  });
  const { warm, run, close } = checker(agent, systemClock);
  try {
    await warm(sites[0]!, signal);
    const checked = await run(sites[0]!, signal);
    if (checked === null) throw signal.reason;
    return checked.message;
  } finally {
    await close();
  }
}

import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../../runtime/cli/exit_codes.ts";

/** What the demo is asked to do. */
export interface DemoOptions {
  help: boolean;
  /** End by itself after so many seconds; null: at a signal. */
  seconds: number | null;
  /** A config with the person's own sites; null: sample sites. */
  config: string | null;
  /** A folder that keeps the data; null: one that is removed. */
  data: string | null;
}

export const DEMO_HELP = `httpmon demo: the whole thing on this machine.

Usage: deno task demo [--seconds N] [-c FILE] [--data DIR]

Options:
  --seconds N         end after N seconds of checking [default: at Ctrl-C]
  -c, --config FILE   watch the sites of this config, on the demo's own Kafka and PostgreSQL
                      [default: sample sites]
  --data DIR          keep the data in this folder, and use what is there already
  -h, --help          print this text

Exit status: 0 nothing was lost, 1 something was lost or failed, 2 wrong usage or config.`;

const STRINGS = ["seconds", "config", "data"];

/**
 * Reads the demo's arguments.
 *
 * @throws {UsageError} For what it does not know
 */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const parsed = parseArgs([...args], {
    string: STRINGS,
    boolean: ["help"],
    alias: { help: "h", config: "c" },
    unknown: (argument) => {
      throw new UsageError(`Unknown argument "${argument}"; see --help`);
    },
  });
  for (const name of STRINGS) {
    if (parsed[name] === "") throw new UsageError(`Option "--${name}" needs a value`);
  }
  const { help, seconds, config = null, data = null } = parsed;
  return { help, seconds: seconds === undefined ? null : toSeconds(seconds), config, data };
}

function toSeconds(text: string): number {
  const seconds = Number(text);
  // Beyond 2^31 ms a timer would fire at once.
  if (!(seconds > 0 && seconds <= 2_000_000)) {
    throw new UsageError(`Option "--seconds" needs a number over 0, found "${text}"`);
  }
  return seconds;
}

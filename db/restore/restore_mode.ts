import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { EXIT, type ExitCode, UsageError } from "../../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { createPool } from "../connect/pool.ts";
import { withPool } from "../connect/with_pool.ts";
import { ResultStore } from "../store/store.ts";
import { restore, type Restored } from "./restore.ts";

/** So many refused lines are told one by one: a file of another kind has nothing but such. */
const TOLD = 100;

/** Mode "restore": stores the messages of a file, or of standard input. */
export async function restoreMode(
  { config, configSource, options: { args: [target = "-"] }, clock, log, signal }: ModeContext,
): Promise<ExitCode> {
  const pool = createPool(config.database!.dsn, {
    max: 1,
    applicationName: "httpmon-restore",
    log,
  });
  let told = 0;
  return await withPool(pool, async () => {
    const path = target === "-" ? null : resolve(configSource.cwd, target);
    const done = await restore(chunksOf(path, signal), {
      store: new ResultStore(pool, { log, clock }),
      clock,
      onRefused: (line, reason, detail) => {
        if (++told <= TOLD) console.error(`httpmon: Line ${line} is refused, ${reason}: ${detail}`);
      },
      onProgress: (soFar) => console.error(summary(soFar)),
      signal,
    });
    if (told > TOLD) console.error(`httpmon: ${told - TOLD} more lines are refused`);
    console.log(summary(done));
    if (signal.aborted) {
      console.error("httpmon: Stopped before it was done; run it again, what is stored stays");
    }
    return signal.aborted || done.refused > 0 ? EXIT.failed : EXIT.done;
  }, "; run it again, what is stored stays");
}

/** What a file holds, or standard input where `path` is null; ends early at `signal`. */
async function* chunksOf(path: string | null, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = path === null
    ? process.stdin
    : createReadStream(path, { highWaterMark: 1024 * 1024 });
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
  try {
    yield* stream;
  } catch (error) {
    if (signal.aborted) return;
    throw new UsageError(
      `Cannot read "${path ?? "standard input"}": ${(error as Error).message}`,
    );
  }
}

function summary({ lines, inserted, duplicates, expired, refused }: Restored): string {
  const others = [
    `${duplicates} there already`,
    ...(expired > 0 ? [`${expired} of days that the retention dropped`] : []),
    `${refused} refused`,
  ];
  return `Read ${lines} lines: ${inserted} results stored, ${others.join(", ")}`;
}

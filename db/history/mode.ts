import type { Clock } from "../../runtime/clock.ts";
import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../../runtime/cli/mode_context.ts";
import { withPool } from "../connect/with_pool.ts";
import { dryRun, shortened } from "./dry_run.ts";
import { BUSY } from "./lock.ts";
import { maintain, maintainerPool, type Round } from "./maintain.ts";
import type { RollUpStep } from "./roll_up.ts";

/** Progress is told this often. */
const TELL_MS = 5_000;

/** Mode "maintain": one round of upkeep, and says what it has done or, dry, what it would do. */
export async function maintainMode(
  { config, options, clock, log, signal }: ModeContext,
): Promise<ExitCode> {
  const { dsn, retention } = config.database!;
  const pool = maintainerPool(dsn, log);
  return await withPool(pool, async () => {
    if (options.dryRun) {
      for (const line of await dryRun(pool, clock.now(), retention)) console.log(line);
      return EXIT.done;
    }
    const onStep = progressTeller(clock);
    const round = await maintain({ pool, clock, retention, signal, waitMs: 0, onStep });
    if (round !== BUSY) { for (const line of summary(round)) console.log(line); }
    return EXIT.done;
  });
}

function progressTeller(clock: Clock): (step: RollUpStep) => void {
  let told = clock.monotonic();
  let done = 0;
  return ({ level, bucket, buckets }) => {
    done += buckets;
    if (clock.monotonic() - told < TELL_MS) return;
    told = clock.monotonic();
    console.error(
      `Rolling up ${level}s: at ${bucket.toISOString()}, ${done} rollups of sites done`,
    );
  };
}

const KEPT_BY = {
  readers: "it is being read, and goes in a later round",
  rollups: "its rollups do not stand yet, and are computed first",
};

function summary({ partitionsMade, rolledUp, dropped, held, deleted }: Round): string[] {
  const lines = [`Rolled up ${rolledUp} hours, days and months of sites`];
  if (partitionsMade > 0) lines.push(`Made ${partitionsMade} daily partitions`);
  lines.push(...shortened(dropped.map((name) => `Dropped "${name}"`)));
  if (held) lines.push(`Kept a partition that is over its days: ${KEPT_BY[held]}`);
  for (const [table, rows] of Object.entries(deleted)) {
    lines.push(`Deleted ${rows} rows of "${table}"`);
  }
  return lines;
}

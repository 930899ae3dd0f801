import type { Pool } from "pg";
import type { Listen } from "../config/types.ts";
import { createPool } from "../db/connect/pool.ts";
import { aborted, within } from "../runtime/abort.ts";
import { EXIT, type ExitCode } from "../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { failpointsFrom } from "../runtime/failpoints.ts";
import { type OpsOptions, startOps } from "../runtime/ops/ops.ts";
import { createOffsets } from "./offsets.ts";
import { consumerHealth } from "./ops.ts";
import type { ConsumerDeps } from "./run.ts";
import type { ConsumerStats } from "./stats.ts";

/** Partitions stored side by side; with two cores more gain nothing. */
const CONCURRENCY = 3;
/**
 * A partition that waits for a lock gives its connection back after this, and tries again later: with
 * many of them, the others would have none.
 */
const LOCK_TIMEOUT_MS = 2_000;
const CLOSE_MS = 1_000;

/** What a mode that reads the topic into the database is. */
export interface ConsumerMode<Stats extends ConsumerStats> extends Pick<OpsOptions, "addMetrics"> {
  mode: "writer" | "alerts";
  /** For people and in metrics, "alerter" for one. */
  name: string;
  listen: Listen | null;
  stats: Stats;
  /** Connections beside those that store: for partitions that wait for a lock, for offsets, and its own. */
  moreConnections: number;
}

/** What such a mode's work is handed. */
export interface ConsumerModeDeps<Stats extends ConsumerStats>
  extends Pick<ConsumerDeps, "offsets" | "clock" | "log" | "signal" | "concurrency"> {
  pool: Pool;
  lockTimeoutMs: number;
  stats: Stats;
  passFailpoint: NonNullable<ConsumerDeps["passFailpoint"]>;
  /** Why it does not do its work; nothing where it does. */
  unready(): readonly string[];
}

/** Serves metrics and health and has connections for `work`, until that ends. */
export async function runConsumerMode<Stats extends ConsumerStats>(
  { config, clock, log, signal, onHangUp }: ModeContext,
  { mode, name, listen, stats, addMetrics, moreConnections }: ConsumerMode<Stats>,
  work: (deps: ConsumerModeDeps<Stats>) => Promise<unknown>,
): Promise<ExitCode> {
  onHangUp(() =>
    log.notice({}, `The ${name} takes its config over at its start only: start it anew`)
  );
  const health = consumerHealth(name, stats, clock, signal);
  const ops = await startOps({ mode, listen, addMetrics, ...health, clock, log });
  const pool = createPool(config.database!.dsn, {
    max: CONCURRENCY + moreConnections,
    applicationName: `httpmon-${mode}`,
    log,
  });
  try {
    await work({
      ...{ pool, clock, log, signal, stats },
      concurrency: CONCURRENCY,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      offsets: createOffsets(pool, { lockTimeoutMs: LOCK_TIMEOUT_MS }),
      passFailpoint: failpointsFrom(),
      unready: health.unready,
    });
    return EXIT.done;
  } finally {
    // Connections that a frozen server holds are not waited for: the process ends anyway.
    await within(clock, CLOSE_MS, pool.end());
    // Last: until then /readyz says that it is stopping.
    await ops?.close();
  }
}

/** Waits for `working` until `signal` aborts, and behind that for `ms`: what is open then, the database undoes. */
export async function untilStopped(
  working: Promise<unknown>,
  ms: number,
  { clock, log, signal }: Pick<ConsumerDeps, "clock" | "log" | "signal">,
): Promise<void> {
  await Promise.race([working, aborted(signal)]);
  if (await within(clock, ms, working)) return;
  log.error({ ms }, "Stopping took too long, leaving the rest undone");
}

import { CONCURRENCY, LOCK_TIMEOUT_MS } from "../consume/limits.ts";
import { createOffsets } from "../consume/offsets.ts";
import { addConsumerMetrics, consumerHealth } from "../consume/ops.ts";
import { newConsumerStats } from "../consume/stats.ts";
import { createPool } from "../db/connect/pool.ts";
import { within } from "../runtime/abort.ts";
import { EXIT, type ExitCode } from "../runtime/cli/exit_codes.ts";
import { failpointsFrom } from "../runtime/failpoints.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { startOps } from "../runtime/ops/ops.ts";
import { addSenderMetrics, newSenderStats } from "./outbox/stats.ts";
import { runAlerter } from "./run.ts";
import { testChannel } from "./test_channel.ts";

/** Connections for partitions that wait for a lock, for offsets and for what is sent. */
const MORE_CONNECTIONS = 6;
const CLOSE_MS = 1_000;

/** Mode "alerts": tells of the incidents that the topic shows, until it is asked to stop. */
export async function alertsMode(
  { config, options, clock, log, signal, onHangUp }: ModeContext,
): Promise<ExitCode> {
  if (options.test !== null) {
    const { channels } = config.alerts;
    return await testChannel(options.test, {
      ...{ channels, link: config.web.publicUrl, fetch, clock, signal },
    });
  }
  onHangUp(() =>
    log.notice({}, "An alerter takes its config over at its start only: start it anew")
  );
  if (Object.keys(config.alerts.channels).length === 0) {
    log.error({}, 'Nobody is told of incidents: "alerts.channels" names no channel');
  }
  const stats = newConsumerStats(clock.monotonic());
  const sending = newSenderStats(Object.keys(config.alerts.channels));
  const health = consumerHealth("alerter", stats, clock, signal);
  const ops = await startOps({
    mode: "alerts",
    listen: config.alerts.listen,
    addMetrics: (metrics) => {
      addConsumerMetrics(metrics, "alerter", stats);
      addSenderMetrics(metrics, sending);
    },
    ...health,
    clock,
    log,
  });
  const pool = createPool(config.database!.dsn, {
    max: CONCURRENCY + MORE_CONNECTIONS,
    applicationName: "httpmon-alerts",
    log,
  });
  try {
    await runAlerter(config, {
      pool,
      offsets: createOffsets(pool, { lockTimeoutMs: LOCK_TIMEOUT_MS }),
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      fetch,
      clock,
      log,
      signal,
      concurrency: CONCURRENCY,
      stats,
      sending,
      unready: () => health.unready(),
      passFailpoint: failpointsFrom(),
    });
    return EXIT.done;
  } finally {
    await within(clock, CLOSE_MS, pool.end());
    // Last: until then /readyz says that the alerter is stopping.
    await ops?.close();
  }
}

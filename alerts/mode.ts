import { runConsumerMode } from "../consume/mode.ts";
import { addConsumerMetrics } from "../consume/ops.ts";
import { newConsumerStats } from "../consume/stats.ts";
import type { ExitCode } from "../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { addSenderMetrics, newSenderStats } from "./outbox/stats.ts";
import { runAlerter } from "./run.ts";
import { testChannel } from "./test_channel.ts";

/** For what is decided and what is sent, too. */
const MORE_CONNECTIONS = 6;

/** Mode "alerts": tells of the incidents that the topic shows, until it is asked to stop. */
export async function alertsMode(context: ModeContext): Promise<ExitCode> {
  const { config, options, clock, log, signal } = context;
  const { channels, listen } = config.alerts;
  if (options.test !== null) {
    return await testChannel(options.test, {
      ...{ channels, link: config.web.publicUrl, fetch, clock, signal },
    });
  }
  const names = Object.keys(channels);
  if (names.length === 0) {
    log.error({}, 'Nobody is told of incidents: "alerts.channels" names no channel');
  }
  const stats = newConsumerStats(clock.monotonic());
  const sending = newSenderStats(names);
  return await runConsumerMode(context, {
    mode: "alerts",
    name: "alerter",
    ...{ listen, stats },
    addMetrics: (metrics) => {
      addConsumerMetrics(metrics, "alerter", stats);
      addSenderMetrics(metrics, sending);
    },
    moreConnections: MORE_CONNECTIONS,
  }, (deps) => runAlerter(config, { ...deps, sending, fetch }));
}

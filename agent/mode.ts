import { createKafka } from "../kafka/client.ts";
import { createSender } from "../kafka/sender.ts";
import { within } from "../runtime/abort.ts";
import { EXIT, type ExitCode } from "../runtime/cli/exit_codes.ts";
import { failpointsFrom } from "../runtime/failpoints.ts";
import { Spell } from "../runtime/log/spell.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { createClients } from "./clients.ts";
import { startAgentOps } from "./serve/ops.ts";
import { PerSiteMetrics } from "./serve/samples.ts";
import { Reloads } from "./reload/reload.ts";
import { runAgent, type RunningAgent } from "./run.ts";
import { AgentStats } from "./stats.ts";

const CLOSE_MS = 1_000;
/** By the machines of one network, clocks are milliseconds apart. */
const MAX_SKEW_MS = 5_000;

/** Mode "agent": checks the sites and publishes the results until it is asked to stop. */
export async function agentMode(context: ModeContext): Promise<ExitCode> {
  const { config, configSource, options, clock, log, signal, onHangUp } = context;
  if (config.kafka.acks === 0) {
    log.error(
      { acks: 0 },
      "Nothing is acknowledged with acks 0: a result that the broker loses is lost",
    );
  }
  const stats = new AgentStats();
  let running: RunningAgent | null = null;
  const { listen } = config.agent;
  let current = config;
  const perSite = listen && config.agent.metricsPerSite ? new PerSiteMetrics() : null;
  const ops = await startAgentOps({
    listen,
    stats,
    running: () => running,
    config: () => current,
    perSite,
    clock,
    log,
    signal,
  });
  const skew = new Spell(clock);
  const sender = createSender(createKafka(config.kafka, "httpmon-agent", log), config.kafka, log, {
    clock,
    onSkew(ms) {
      stats.clockSkewMs = ms;
      const seconds = Math.round(ms / 1_000);
      if (Math.abs(ms) < MAX_SKEW_MS) skew.ended(log, "The clock is as the broker's again");
      else {
        const where = ms > 0 ? "ahead of" : "behind";
        skew.failed(log, `${Math.abs(seconds)} s ${where} the broker's clock`, {
          failed: "The clock is wrong, or the broker's is: results have its time",
          still: "The clock is still not as the broker's",
          advice: "set it, and see what keeps it (timedatectl, chronyc tracking)",
        });
      }
    },
  });
  const clients = createClients(clock, config.agent);
  const reloads = new Reloads({ config, configSource, clock, log, stats, signal });
  try {
    await runAgent(config, {
      clients,
      send: sender.send,
      clock,
      log,
      signal,
      stats,
      passFailpoint: failpointsFrom(),
      onChecked: perSite ? (site, checked) => perSite.record(site, checked) : undefined,
      onStarted(started) {
        running = started;
        reloads.begin({
          replaceSites(sites, config) {
            log.takeOver(config);
            started.replaceSites(sites);
            perSite?.keepOnly(sites);
            current = config;
          },
          onHangUp,
          watch: options.watch,
        });
      },
    });
    return EXIT.done;
  } finally {
    await reloads.close();
    clients.timed.close();
    // A broker that hangs is not waited for: the process ends anyway.
    await within(clock, CLOSE_MS, sender.close());
    // Last: until then /readyz says that the agent is stopping.
    await ops?.close();
  }
}

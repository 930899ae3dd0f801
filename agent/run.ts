import type { Config, Site } from "../config/types.ts";
import { siteId } from "../config/types.ts";
import type { Send } from "../kafka/sender.ts";
import { aborted, within } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Checked } from "./check/check.ts";
import { checkKit } from "./check/check_kit.ts";
import { CheckRunner, type CheckRunnerDeps } from "./check/check_runner.ts";
import type { Clients } from "./clients.ts";
import { allowedChecks } from "./condition/descriptors.ts";
import { Inspector } from "./inspect/inspector.ts";
import { Limiter } from "./condition/limiter.ts";
import { hostOf } from "./condition/network.ts";
import type { Outbox } from "./outbox/outbox.ts";
import { Publisher } from "./publish.ts";
import { Schedule, type Scheduled } from "./schedule.ts";
import { openStateFolder } from "./state_folder.ts";
import { AgentStats } from "./stats.ts";
import { timestampsOf } from "./check/timestamps.ts";

/** What an agent is handed. */
export interface AgentDeps {
  clients: Clients;
  send: Send;
  log: Logger;
  /** Asks to stop. */
  signal: AbortSignal;
  /** @default systemClock */
  clock?: Clock;
  /** Kept up to date while the agent runs. @default a new one */
  stats?: AgentStats;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
  /** Told of each check of the schedule. */
  onChecked?: CheckRunnerDeps["onChecked"];
  /** Told once: the state folder is open and the schedule runs. */
  onStarted?: (running: RunningAgent) => void;
}

/** What can be looked at, and done, while an agent runs. */
export interface RunningAgent {
  outbox: Pick<Outbox, "waiting" | "dropped" | "oldestAt" | "failing">;
  schedule: Pick<Schedule<Scheduled>, "size" | "overdueMs">;
  /** Checks a site for one who asks; null where the agent stops meanwhile. */
  probe(site: Site): Promise<Checked | null>;
  /** Checks exactly these sites from now on; one whose frequency is as before keeps its place. */
  replaceSites(sites: readonly Site[]): void;
}

/** What the bodies that checks hold may take together. */
const MAX_BODY_MEMORY = 256 * 1024 * 1024;

/** A check that was cut gives up its exchange within this. */
const CUT_WITHIN_MS = 2_500;

/**
 * Checks the config's sites and publishes the results, until `deps.signal` aborts. Then: no new
 * checks; those under way have half of `agent.shutdown_timeout_ms` to end and are cut after; what was
 * measured is sent until the whole of it is over, and what is not sent by then stays in the outbox.
 *
 * @returns The counters at the end
 * @throws {UsageError} Where the state folder cannot be used
 */
export async function runAgent(
  config: Pick<Config, "sites" | "agent">,
  deps: AgentDeps,
): Promise<AgentStats> {
  const { log, signal, send, clock = systemClock, stats = new AgentStats() } = deps;
  const wanted = config.agent.maxConcurrentChecks;
  const maxChecks = allowedChecks(wanted);
  if (wanted !== null && maxChecks < wanted) {
    log.error(
      { wanted, allowed: maxChecks },
      `At most ${maxChecks} checks run at a time: the process may open no more files; raise its ` +
        `limit (ulimit -n), or lower "agent.max_concurrent_checks"`,
    );
  }
  const { outbox, agentUUID } = await openStateFolder(config.agent, clock, log);
  const timestamps = timestampsOf(outbox.meta, clock, log);
  const places = new Limiter(maxChecks);
  const inspector = new Inspector(clock);
  const kit = checkKit({
    config: config.agent,
    agentUUID,
    clients: deps.clients,
    clock,
    places,
    maxBodyBytes: MAX_BODY_MEMORY,
    inspector,
    onStall(ms) {
      stats.stalls++;
      log.error(
        { ms: Math.round(ms) },
        "The agent stood still, or its clock was set forward; what failed meanwhile is unknown",
      );
    },
  });
  const { onChecked } = deps;
  const runner = new CheckRunner({ ...kit, log, stats, places, timestamps, outbox, onChecked });
  const schedule = new Schedule<Scheduled & { site: Site }>({
    clock,
    run: ({ site }, turn) => runner.run(site, turn),
    onMissed: ({ site }, missed) => runner.missed(site, missed),
  });
  const { passFailpoint } = deps;
  const publisher = new Publisher({ outbox, send, clock, log, stats, passFailpoint });
  const draining = new AbortController();
  const deadline = new AbortController();

  const publishing = publisher.run(draining.signal, deadline.signal);
  const replaceSites = (sites: readonly Site[]) => {
    schedule.replace(
      sites.map((site) => ({ id: siteId(site), frequencyMs: site.frequencyMs, site })),
    );
    timestamps.keep(new Set(sites.map(siteId)));
    kit.network.keep(new Set(sites.map(({ requestUrl }) => hostOf(requestUrl)!)));
  };
  replaceSites(config.sites);
  schedule.start();
  deps.onStarted?.({ outbox, schedule, replaceSites, probe: (site) => runner.probe(site) });
  log.notice(
    { agentUUID, sites: schedule.size, maxChecks, waiting: outbox.waiting },
    "The agent runs",
  );

  await aborted(signal);
  const stopAt = clock.monotonic() + config.agent.shutdownTimeoutMs;
  const left = () => Math.max(0, stopAt - clock.monotonic());
  schedule.stop();
  const cancelDeadline = clock.after(left(), () => deadline.abort());
  await within(clock, left() / 2, runner.drain());
  runner.cut();
  kit.requests.close();
  await inspector.close();
  await within(clock, CUT_WITHIN_MS, runner.drain());
  await within(clock, left(), outbox.flush());
  draining.abort();
  await publishing;
  cancelDeadline();
  await outbox.close();
  kit.loop.stop();

  stats.waiting = outbox.waiting;
  stats.dropped = outbox.dropped;
  const { checked, published, dropped, refused, waiting, skipped, late } = stats;
  log.notice({ checked, published, dropped, refused, waiting, skipped, late }, "The agent stopped");
  return stats;
}

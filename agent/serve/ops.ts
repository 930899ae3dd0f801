import type { Config, Listen } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { startOps } from "../../runtime/ops/ops.ts";
import type { OpsServer } from "../../runtime/ops/server.ts";
import type { RunningAgent } from "../run.ts";
import type { AgentStats } from "../stats.ts";
import { addAgentMetrics } from "./metrics.ts";
import { probePage } from "./probe.ts";
import type { PerSiteMetrics } from "./samples.ts";

interface AgentOpsOptions {
  /** Null: nothing is served. */
  listen: Listen | null;
  stats: AgentStats;
  /** Null until the agent has started. */
  running: () => RunningAgent | null;
  /** As it is now. */
  config: () => Config;
  /** The metrics of each site; null: they are not asked for. */
  perSite: Pick<PerSiteMetrics, "text"> | null;
  clock: Clock;
  log: Logger;
  /** What asks the agent to stop. */
  signal: AbortSignal;
}

/** A check may be due for as long as the schedule's longest timer, if the machine slept meanwhile. */
const MAX_OVERDUE_MS = 120_000;

/**
 * Serves an agent's metrics and health. A broker that is away changes neither /healthz nor /readyz:
 * the agent does its work meanwhile, and the outbox's metrics tell.
 *
 * @returns Null where the config says nowhere
 * @throws {UsageError} Where it cannot listen there
 */
export function startAgentOps(options: AgentOpsOptions): Promise<OpsServer | null> {
  const { running, signal, perSite, config, clock } = options;
  const probe = probePage({
    config,
    check: (site) => running()?.probe(site) ?? Promise.resolve(null),
    now: () => clock.now(),
  });
  return startOps({
    ...options,
    mode: "agent",
    addMetrics: (metrics) => addAgentMetrics(metrics, options),
    moreMetrics: () => perSite?.text() ?? Promise.resolve(""),
    pages: { "/probe": probe },
    unhealthy: () => unhealthy(running()),
    unready: () => unready(running(), options.stats, signal.aborted),
  });
}

function unhealthy(running: RunningAgent | null): string[] {
  const overdueMs = running?.schedule.overdueMs ?? 0;
  if (overdueMs <= MAX_OVERDUE_MS) return [];
  return [`The schedule stands still: a check has been due for ${Math.round(overdueMs / 1_000)} s`];
}

function unready(
  running: RunningAgent | null,
  { waitingForPlace }: AgentStats,
  stopping: boolean,
): string[] {
  if (stopping) return ["The agent is stopping"];
  if (running === null) return ["The agent is starting: its state folder is not open yet"];
  const reasons = unhealthy(running);
  if (running.outbox.failing) reasons.push("The outbox cannot be written; see the log");
  if (waitingForPlace > 0) {
    reasons.push(
      `${waitingForPlace} due checks wait for a place; see "agent.max_concurrent_checks"`,
    );
  }
  return reasons;
}

import type { Clock } from "../runtime/clock.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { RunningAgent } from "./run.ts";
import type { AgentStats } from "./stats.ts";

/** What an agent's metrics are read from. */
export interface AgentMetricsSources {
  stats: AgentStats;
  /** Null until the agent has started. */
  running: () => RunningAgent | null;
  clock: Pick<Clock, "now">;
}

const MS_PER_SECOND = 1_000;

/**
 * An agent's metrics; docs/metrics.md lists them. None is by site: ten thousand sites would make as
 * many series of each, and what a site does is in the results.
 */
export function addAgentMetrics(metrics: Metrics, sources: AgentMetricsSources): void {
  addChecks(metrics, sources);
  addSchedule(metrics, sources);
  addOutbox(metrics, sources);
  addSends(metrics, sources);
  addReloads(metrics, sources);
}

function addChecks(metrics: Metrics, { stats }: AgentMetricsSources): void {
  metrics.counter({
    name: "httpmon_agent_checks_total",
    help: "Checks that gave a result, by verdict.",
    label: "verdict",
  }, () => stats.verdicts);
  metrics.counter({
    name: "httpmon_agent_check_reasons_total",
    help: "Checks whose verdict is not up, by the rule or the error class that decided.",
    label: "reason",
  }, () => stats.reasons);
  metrics.durations({
    name: "httpmon_agent_check_duration_seconds",
    help: "Response time of each check: from its start to the last byte, or to the failure.",
  }, () => stats.responseTimes);
  metrics.durations({
    name: "httpmon_agent_check_phase_duration_seconds",
    help: "Phases of each check that has them, of its last hop.",
    label: "phase",
  }, () => {
    const { firstByte, ...others } = stats.phases;
    return { ...others, first_byte: firstByte };
  });
  metrics.counter({
    name: "httpmon_agent_checks_cut_total",
    help: "Checks cut short by stopping; they gave no result.",
  }, () => stats.cut);
  metrics.counter({
    name: "httpmon_agent_stalls_total",
    help: "Times that the agent stood still for over a second; what failed meanwhile is unknown.",
  }, () => stats.stalls);
}

function addSchedule(metrics: Metrics, { stats, running }: AgentMetricsSources): void {
  metrics.gauge({
    name: "httpmon_agent_sites",
    help: "Sites that are scheduled.",
  }, () => running()?.schedule.size ?? 0);
  metrics.durations({
    name: "httpmon_agent_check_lateness_seconds",
    help: "How long after their time checks began.",
  }, () => stats.lateness);
  metrics.counter({
    name: "httpmon_agent_checks_late_total",
    help: "Checks that began over 100 ms after their time.",
  }, () => stats.late);
  metrics.counter({
    name: "httpmon_agent_checks_skipped_total",
    help:
      "Due times without a check of their own: the one before still ran, or nobody came in time.",
  }, () => stats.skipped);
  metrics.gauge({
    name: "httpmon_agent_checks_in_flight",
    help: "Checks under way.",
  }, () => stats.inFlight);
  metrics.gauge({
    name: "httpmon_agent_checks_waiting",
    help: "Checks that are due and wait for one of agent.max_concurrent_checks places.",
  }, () => stats.waitingForPlace);
}

function addOutbox(metrics: Metrics, { stats, running, clock }: AgentMetricsSources): void {
  metrics.gauge({
    name: "httpmon_agent_outbox_results",
    help: "Results that wait for the broker, on disk or in memory.",
  }, () => running()?.outbox.waiting ?? 0);
  metrics.gauge({
    name: "httpmon_agent_outbox_oldest_age_seconds",
    help: "How long the oldest of the results that wait has waited; 0 where none does.",
  }, () => {
    const oldest = running()?.outbox.oldestAt ?? null;
    return oldest === null ? 0 : Math.max(0, clock.now() - oldest) / MS_PER_SECOND;
  });
  metrics.gauge({
    name: "httpmon_agent_outbox_failing",
    help: "1 while the outbox cannot be written and results wait in memory, else 0.",
  }, () => running()?.outbox.failing ? 1 : 0);
  metrics.counter({
    name: "httpmon_agent_outbox_dropped_total",
    help:
      "Results lost to the outbox's caps, to damage of its file or to a disk that could not be written.",
  }, () => running()?.outbox.dropped ?? stats.dropped);
}

function addSends(metrics: Metrics, { stats }: AgentMetricsSources): void {
  metrics.counter({
    name: "httpmon_agent_sends_total",
    help: "Batches sent to the broker, tries that failed among them.",
  }, () => stats.sends);
  metrics.counter({
    name: "httpmon_agent_send_failures_total",
    help: "Batches that failed on the way to the broker, to be sent again.",
  }, () => stats.sendFailures);
  metrics.counter({
    name: "httpmon_agent_results_published_total",
    help: "Results that the broker acknowledged.",
  }, () => stats.published);
  metrics.counter({
    name: "httpmon_agent_results_refused_total",
    help: "Results that the broker refused for good, set aside in the outbox.",
  }, () => stats.refused);
  metrics.gauge({
    name: "httpmon_agent_clock_skew_seconds",
    help: "How far the clock is ahead of the broker's, at the last send; NaN before the first.",
  }, () => stats.clockSkewMs === null ? NaN : stats.clockSkewMs / MS_PER_SECOND);
}

function addReloads(metrics: Metrics, { stats }: AgentMetricsSources): void {
  metrics.counter({
    name: "httpmon_agent_config_reloads_total",
    help: "Reloads of the config: applied, or refused as it was wrong.",
    label: "result",
  }, () => stats.reloads);
  metrics.gauge({
    name: "httpmon_agent_config_last_reload_successful",
    help: "0 while the last reload was refused and the config before it runs on, else 1.",
  }, () => stats.lastReload === "refused" ? 0 : 1);
}

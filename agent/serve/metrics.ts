import type { Histogram } from "../../runtime/ops/histogram.ts";
import type { Family, Metrics, Reading } from "../../runtime/ops/metrics.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { RunningAgent } from "../run.ts";
import type { AgentStats } from "../stats.ts";

/** What an agent's metrics are read from. */
export interface AgentMetricsSources {
  stats: AgentStats;
  /** Null until the agent has started. */
  running: () => RunningAgent | null;
  clock: Pick<Clock, "now">;
}

/** By the name without "httpmon_agent_": what it means, how it is read, and its label. */
type Table<T> = Readonly<Record<string, [help: string, read: () => Reading<T>, label?: string]>>;

/**
 * An agent's metrics; docs/metrics.md lists them. None is by site: ten thousand sites would make as
 * many series of each, and what a site does is in the results.
 */
export function addAgentMetrics(
  metrics: Metrics,
  { stats, running, clock }: AgentMetricsSources,
): void {
  const outbox = () => running()?.outbox;
  const oldestAge = () => {
    const oldest = outbox()?.oldestAt ?? null;
    return oldest === null ? 0 : Math.max(0, clock.now() - oldest) / 1_000;
  };
  const phases = () => {
    const { firstByte, ...others } = stats.phases;
    return { ...others, first_byte: firstByte };
  };

  const counters: Table<number> = {
    checks_total: ["Checks that gave a result, by verdict.", () => stats.verdicts, "verdict"],
    check_reasons_total: [
      "Checks whose verdict is not up, by the rule or the error class that decided.",
      () => stats.reasons,
      "reason",
    ],
    checks_cut_total: ["Checks cut short by stopping; they gave no result.", () => stats.cut],
    stalls_total: [
      "Times that the agent stood still for over a second, or its clock was set forward; what failed meanwhile is unknown.",
      () => stats.stalls,
    ],
    checks_late_total: ["Checks that began over 100 ms after their time.", () => stats.late],
    checks_skipped_total: [
      "Due times without a check of their own: the one before still ran, or nobody came in time.",
      () => stats.skipped,
    ],
    outbox_dropped_total: [
      "Results lost to the outbox's caps, to damage of its file or to a disk that could not be written.",
      () => outbox()?.dropped ?? stats.dropped,
    ],
    sends_total: ["Batches sent to the broker, tries that failed among them.", () => stats.sends],
    send_failures_total: [
      "Batches that failed on the way to the broker, to be sent again.",
      () => stats.sendFailures,
    ],
    results_published_total: ["Results that the broker acknowledged.", () => stats.published],
    results_refused_total: [
      "Results that the broker refused for good, set aside in the outbox.",
      () => stats.refused,
    ],
    config_reloads_total: [
      "Reloads of the config: applied, or refused as it was wrong.",
      () => stats.reloads,
      "result",
    ],
  };
  const gauges: Table<number> = {
    sites: ["Sites that are scheduled.", () => running()?.schedule.size ?? 0],
    checks_in_flight: ["Checks under way.", () => stats.inFlight],
    checks_waiting: [
      "Checks that are due and wait for one of agent.max_concurrent_checks places.",
      () => stats.waitingForPlace,
    ],
    clock_skew_seconds: [
      "How far the clock is ahead of the broker's, at the last send; NaN before the first.",
      () => stats.clockSkewMs === null ? NaN : stats.clockSkewMs / 1_000,
    ],
    outbox_results: [
      "Results that wait for the broker, on disk or in memory.",
      () => outbox()?.waiting ?? 0,
    ],
    outbox_oldest_age_seconds: [
      "How long the oldest of the results that wait has waited; 0 where none does.",
      oldestAge,
    ],
    outbox_failing: [
      "1 while the outbox cannot be written and results wait in memory, else 0.",
      () => outbox()?.failing ? 1 : 0,
    ],
    config_last_reload_successful: [
      "0 while the last reload was refused and the config before it runs on, else 1.",
      () => stats.lastReload === "refused" ? 0 : 1,
    ],
  };
  const durations: Table<Histogram> = {
    check_duration_seconds: [
      "Response time of each check: from its start to the last byte, or to the failure.",
      () => stats.responseTimes,
    ],
    check_phase_duration_seconds: [
      "Phases of each check that has them, of its last hop.",
      phases,
      "phase",
    ],
    check_lateness_seconds: ["How long after their time checks began.", () => stats.lateness],
  };
  const each = <T>(table: Table<T>, add: (family: Family, read: () => Reading<T>) => void) => {
    for (const [name, [help, read, label]] of Object.entries(table)) {
      add({ name: `httpmon_agent_${name}`, help, label }, read);
    }
  };
  each(counters, (family, read) => metrics.counter(family, read));
  each(gauges, (family, read) => metrics.gauge(family, read));
  each(durations, (family, read) => metrics.durations(family, read));
}

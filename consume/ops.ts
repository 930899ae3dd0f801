import type { Metrics } from "../runtime/ops/metrics.ts";
import type { OpsSources } from "../runtime/ops/server.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ConsumerStats } from "./stats.ts";

/**
 * A consumer's metrics; docs/metrics.md lists them.
 *
 * @param mode As their names have it, "writer" for one
 */
export function addConsumerMetrics(metrics: Metrics, mode: string, stats: ConsumerStats): void {
  const name = (what: string) => `httpmon_${mode}_${what}`;
  const counters: [string, string, () => number][] = [
    ["records_skipped", `Records that another ${mode} had stored.`, () => stats.skipped],
    [
      "records_expired",
      "Records that the topic's retention deleted before they were stored here.",
      () => stats.expiredUnread,
    ],
    [
      "topics_anew",
      "Times that a partition was found made anew, and was read from its start.",
      () => stats.topicsAnew,
    ],
    [
      "batches",
      "Transactions that were committed, a batch of records each.",
      () => stats.batches,
    ],
    [
      "group_joins",
      "Times that the consumer group was joined: at the start, and at each rebalance.",
      () => stats.joins,
    ],
  ];
  for (const [what, help, read] of counters) {
    metrics.counter({ name: name(`${what}_total`), help }, read);
  }
  metrics.counter({
    name: name("retries_total"),
    help: "Tries that failed and are made again, by what was tried.",
    label: "attempt",
  }, () => stats.retries);
  metrics.durations({
    name: name("transaction_duration_seconds"),
    help: "Time of each committed transaction, with the wait for a connection.",
  }, () => stats.transactions);
  metrics.gauge({
    name: name("lag_records"),
    help: "Records of each assigned partition that are in the topic and not yet stored.",
    label: "partition",
  }, () => lags(stats));
  metrics.gauge({
    name: name("assigned_partitions"),
    help: `Partitions that this ${mode} reads.`,
  }, () => stats.partitions.size);
  metrics.gauge({
    name: name("group_joined"),
    help: `1 while the ${mode} is in its consumer group, else 0.`,
  }, () => stats.joined ? 1 : 0);
}

/** Without the partitions whose place is not known yet: a lag of 0 would be a lie. */
function lags({ partitions }: ConsumerStats): Map<string, number> {
  const lags = new Map<string, number>();
  for (const [partition, { position, end }] of partitions) {
    if (position === null || end === null) continue;
    lags.set(String(partition), Math.max(0, Number(end - position)));
  }
  return lags;
}

/**
 * A consumer fetches every few seconds, and tries each failed thing again within seconds; with all
 * that may hold it up for a time, one that is silent for this long has hung.
 */
const MAX_SILENCE_MS = 300_000;

/**
 * A consumer's health. Kafka or PostgreSQL being away makes it unready, not unhealthy: it tries again
 * by itself, and a new start would mend nothing.
 *
 * @param signal What asks the mode to stop
 */
export function consumerHealth(
  mode: string,
  stats: ConsumerStats,
  clock: Clock,
  signal: AbortSignal,
): Pick<OpsSources, "unhealthy" | "unready"> {
  const unhealthy = () => signal.aborted ? [] : silence(stats, clock.monotonic());
  return {
    unhealthy,
    unready: () =>
      signal.aborted ? [`The ${mode} is stopping`] : [...unhealthy(), ...troubles(mode, stats)],
  };
}

function silence({ aliveAt }: ConsumerStats, now: number): string[] {
  const silentMs = now - aliveAt;
  if (silentMs <= MAX_SILENCE_MS) return [];
  return [`The consumer has shown no sign of life for ${Math.round(silentMs / 1_000)} s`];
}

const FAILING = {
  place: "The place to read from cannot be found",
  store: "Results cannot be stored",
} as const;

function troubles(mode: string, { joined, partitions }: ConsumerStats): string[] {
  if (!joined) return [`The ${mode} is not in its consumer group`];
  const reasons: string[] = [];
  for (const attempt of ["place", "store"] as const) {
    const failing = [...partitions].filter(([, progress]) => progress.failing === attempt);
    if (failing.length === 0) continue;
    const numbers = failing.map(([partition]) => partition).join(", ");
    reasons.push(`${FAILING[attempt]} (partition ${numbers}); see the log`);
  }
  return reasons;
}

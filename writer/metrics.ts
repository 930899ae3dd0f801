import type { Metrics } from "../runtime/metrics.ts";
import type { WriterStats } from "./stats.ts";

/** A writer's metrics; docs/metrics.md lists them. */
export function addWriterMetrics(metrics: Metrics, stats: WriterStats): void {
  addStored(metrics, stats);
  addTopic(metrics, stats);
  metrics.counter({
    name: "httpmon_writer_retries_total",
    help: "Tries that failed and are made again, by what was tried.",
    label: "attempt",
  }, () => stats.retries);
}

function addStored(metrics: Metrics, stats: WriterStats): void {
  metrics.counter({
    name: "httpmon_writer_rows_inserted_total",
    help: "Rows put into the table, one a result.",
  }, () => stats.inserted);
  metrics.counter({
    name: "httpmon_writer_duplicates_total",
    help: "Results that were in the table already, the same.",
  }, () => stats.duplicates);
  metrics.counter({
    name: "httpmon_writer_dead_letters_total",
    help: "Records set aside in the table dead_letters, by reason.",
    label: "reason",
  }, () => stats.deadLetterReasons);
  metrics.counter({
    name: "httpmon_writer_records_skipped_total",
    help: "Records that another writer had stored.",
  }, () => stats.skipped);
  metrics.counter({
    name: "httpmon_writer_batches_total",
    help: "Transactions that were committed, a batch of records each.",
  }, () => stats.batches);
  metrics.durations({
    name: "httpmon_writer_transaction_duration_seconds",
    help: "Time of each committed transaction, with the wait for a connection.",
  }, () => stats.transactions);
}

function addTopic(metrics: Metrics, stats: WriterStats): void {
  metrics.gauge({
    name: "httpmon_writer_lag_records",
    help: "Records of each assigned partition that are in the topic and not yet stored.",
    label: "partition",
  }, () => lags(stats));
  metrics.gauge({
    name: "httpmon_writer_assigned_partitions",
    help: "Partitions that this writer reads.",
  }, () => stats.partitions.size);
  metrics.gauge({
    name: "httpmon_writer_group_joined",
    help: "1 while the writer is in its consumer group, else 0.",
  }, () => stats.joined ? 1 : 0);
  metrics.counter({
    name: "httpmon_writer_group_joins_total",
    help: "Times that the consumer group was joined: at the start, and at each rebalance.",
  }, () => stats.joins);
  metrics.counter({
    name: "httpmon_writer_records_expired_total",
    help: "Records that the topic's retention deleted before they were stored here.",
  }, () => stats.expiredUnread);
  metrics.counter({
    name: "httpmon_writer_topics_anew_total",
    help: "Times that a partition was found made anew, and was read from its start.",
  }, () => stats.topicsAnew);
}

/** Without the partitions whose place is not known yet: a lag of 0 would be a lie. */
function lags({ partitions }: WriterStats): Map<string, number> {
  const lags = new Map<string, number>();
  for (const [partition, { position, end }] of partitions) {
    if (position === null || end === null) continue;
    lags.set(String(partition), Math.max(0, Number(end - position)));
  }
  return lags;
}

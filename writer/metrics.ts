import { addConsumerMetrics } from "../consume/ops.ts";
import type { Metrics } from "../runtime/ops/metrics.ts";
import type { WriterStats } from "./stats.ts";

/** A writer's metrics; docs/metrics.md lists them. */
export function addWriterMetrics(metrics: Metrics, stats: WriterStats): void {
  addConsumerMetrics(metrics, "writer", stats);
  metrics.counter({
    name: "httpmon_writer_rows_inserted_total",
    help: "Rows put into the table, one a result.",
  }, () => stats.inserted);
  metrics.counter({
    name: "httpmon_writer_duplicates_total",
    help: "Results that were in the table already, the same.",
  }, () => stats.duplicates);
  metrics.counter({
    name: "httpmon_writer_results_expired_total",
    help: "Results of days that the database's retention has dropped.",
  }, () => stats.expired);
  metrics.counter({
    name: "httpmon_writer_dead_letters_total",
    help: "Records set aside in the table dead_letters, by reason.",
    label: "reason",
  }, () => stats.deadLetterReasons);
}

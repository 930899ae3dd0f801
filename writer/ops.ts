import type { Listen } from "../config/types.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { startOps } from "../runtime/ops.ts";
import type { OpsServer } from "../runtime/ops_server.ts";
import { addWriterMetrics } from "./metrics.ts";
import type { WriterStats } from "./stats.ts";

export interface WriterOpsOptions {
  /** Null: nothing is served. */
  listen: Listen | null;
  stats: WriterStats;
  clock: Clock;
  log: Logger;
  /** What asks the writer to stop. */
  signal: AbortSignal;
}

/**
 * A consumer fetches every few seconds, and tries each failed thing again within seconds; with all
 * that may hold it up for a time, one that is silent for this long has hung.
 */
const MAX_SILENCE_MS = 300_000;

/**
 * Serves a writer's metrics and health. Kafka or PostgreSQL being away makes a writer unready, not
 * unhealthy: it tries again by itself, and a new start would mend nothing.
 *
 * @returns Null where the config says nowhere
 * @throws {UsageError} Where it cannot listen there
 */
export function startWriterOps(options: WriterOpsOptions): Promise<OpsServer | null> {
  const { stats, clock, signal } = options;
  return startOps({
    ...options,
    mode: "writer",
    addMetrics: (metrics) => addWriterMetrics(metrics, stats),
    unhealthy: () => signal.aborted ? [] : unhealthy(stats, clock.monotonic()),
    unready: () => {
      if (signal.aborted) return ["The writer is stopping"];
      return [...unhealthy(stats, clock.monotonic()), ...unready(stats)];
    },
  });
}

function unhealthy({ aliveAt }: WriterStats, now: number): string[] {
  const silentMs = now - aliveAt;
  if (silentMs <= MAX_SILENCE_MS) return [];
  return [`The consumer has shown no sign of life for ${Math.round(silentMs / 1_000)} s`];
}

const FAILING = {
  place: "The place to read from cannot be found",
  store: "Results cannot be stored",
} as const;

function unready({ joined, partitions }: WriterStats): string[] {
  if (!joined) return ["The writer is not in its consumer group"];
  const reasons: string[] = [];
  for (const attempt of ["place", "store"] as const) {
    const failing = [...partitions].filter(([, progress]) => progress.failing === attempt);
    if (failing.length === 0) continue;
    const numbers = failing.map(([partition]) => partition).join(", ");
    reasons.push(`${FAILING[attempt]} (partition ${numbers}); see the log`);
  }
  return reasons;
}

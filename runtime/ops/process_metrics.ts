import process from "node:process";
import type { Histogram } from "./histogram.ts";
import type { Metrics } from "./metrics.ts";
import type { Mode } from "../cli/modes.ts";
import { VERSION } from "../cli/version.ts";

const US_PER_SECOND = 1_000_000;
const MS_PER_SECOND = 1_000;

/**
 * What every mode tells of its process. prom-client's own default metrics are not used: most read
 * /proc, which Deno lets nobody read without all permissions, or are there in Node alone.
 *
 * @param loopDelay Milliseconds; see LoopDelay
 */
export function addProcessMetrics(
  metrics: Metrics,
  { mode, loopDelay }: { mode: Mode; loopDelay: Histogram },
): void {
  metrics.info(
    { name: "httpmon_build_info", help: "The program's version, its mode, and what it runs in." },
    { version: VERSION, mode, runtime: runtimeName() },
  );
  metrics.durations({
    name: "httpmon_event_loop_delay_seconds",
    help: "How late timers run, asked ten times a second.",
  }, () => loopDelay);
  metrics.counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time spent, all threads.",
  }, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / US_PER_SECOND;
  });
  metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Memory that the process has in RAM.",
  }, () => process.memoryUsage().rss);
  metrics.gauge({
    name: "process_heap_bytes",
    help: "Size of the main thread's JavaScript heap.",
  }, () => process.memoryUsage().heapTotal);
  metrics.gauge({
    name: "process_start_time_seconds",
    help: "When the process started, seconds since 1970.",
  }, () => performance.timeOrigin / MS_PER_SECOND);
}

/** "deno 2.9.6" or "node 22.13.0". */
function runtimeName(): string {
  const { deno, node } = process.versions as Record<string, string | undefined>;
  return deno === undefined ? `node ${node}` : `deno ${deno}`;
}

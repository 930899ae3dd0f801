import { assertEquals } from "@std/assert";
import { AgentStats } from "../../agent/stats.ts";

Deno.test("AgentStats.recordLateness() counts by bucket, and over 100 ms as late", () => {
  const stats = new AgentStats();
  for (const ms of [0, 10, 10.1, 100, 100.1, 10_000, 10_001]) stats.recordLateness(ms);
  const { bounds, counts, sum } = stats.lateness;
  const byBound = [...bounds, Infinity].map((bound, i) => [bound, counts[i]]);
  assertEquals(byBound.filter(([, count]) => count), [
    [10, 2],
    [25, 1],
    [100, 1],
    [250, 1],
    [10_000, 1],
    [Infinity, 1],
  ]);
  assertEquals(stats.late, 3);
  assertEquals(Math.round(sum), 20_221);
});

Deno.test("AgentStats.recordResult() counts verdicts, reasons, the time and each phase", () => {
  const stats = new AgentStats();
  const phases = { dns: 1, connect: 2, tls: 0, firstByte: 30, download: 4 };
  stats.recordResult({ verdict: "up", responseTime: 37, phases });
  stats.recordResult({ verdict: "down", reason: "status", responseTime: 40, phases });
  stats.recordResult({ verdict: "down", reason: "timeout", responseTime: 120_001 });
  stats.recordResult({ verdict: "down", reason: "timeout", responseTime: 120_000 });
  assertEquals(stats.checked, 4);
  assertEquals(stats.verdicts, { up: 1, degraded: 0, down: 3, unknown: 0 });
  assertEquals([...stats.reasons], [["status", 1], ["timeout", 2]]);
  assertEquals([stats.responseTimes.count, stats.responseTimes.sum], [4, 240_078]);
  assertEquals(stats.responseTimes.counts.at(-1), 1);
  assertEquals(
    Object.entries(stats.phases).map(([name, { count, sum }]) => [name, count, sum]),
    [["dns", 2, 2], ["connect", 2, 4], ["tls", 2, 0], ["firstByte", 2, 60], ["download", 2, 8]],
  );
});

import { assertEquals } from "@std/assert";
import { LATENESS_BUCKETS_MS, newStats, recordLateness } from "../../agent/stats.ts";

Deno.test("recordLateness() counts by bucket, and over 100 ms as late", () => {
  const stats = newStats();
  for (const ms of [0, 10, 10.1, 100, 100.1, 10_000, 10_001]) recordLateness(stats, ms);
  const byBound = LATENESS_BUCKETS_MS.map((bound, i) => [bound, stats.lateness[i]]);
  assertEquals(byBound.filter(([, count]) => count), [[10, 2], [25, 1], [100, 1], [250, 1], [
    10_000,
    1,
  ]]);
  assertEquals(stats.lateness.at(-1), 1);
  assertEquals(stats.late, 3);
  assertEquals(Math.round(stats.latenessSumMs), 20_221);
});

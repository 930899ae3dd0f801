import { assertEquals } from "@std/assert";
import { ThrottledReport } from "../../agent/throttled_report.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("ThrottledReport reports at once, then once a minute what came meanwhile", async () => {
  const clock = new FakeClock();
  const reports: [number, string][] = [];
  const report = new ThrottledReport<string>(clock, (...args) => reports.push(args));
  report.add(2, "a");
  report.add(3, "b");
  report.add(4, "c");
  assertEquals(reports, [[2, "a"]]);
  await clock.advance(60_000);
  assertEquals(reports, [[2, "a"], [7, "c"]]);
  await clock.advance(60_000);
  assertEquals([reports.length, clock.pending], [2, 0]);
  report.add(1, "d");
  assertEquals(reports.at(-1), [1, "d"]);
});

Deno.test("ThrottledReport.close() reports the rest and leaves no timer", () => {
  const clock = new FakeClock();
  const reports: [number, string][] = [];
  const report = new ThrottledReport<string>(clock, (...args) => reports.push(args));
  report.add(1, "a");
  report.add(5, "b");
  report.close();
  report.close();
  assertEquals(reports, [[1, "a"], [5, "b"]]);
  assertEquals(clock.pending, 0);
});

import { assertEquals, assertThrows } from "@std/assert";
import { Histogram } from "../../../runtime/ops/histogram.ts";
import { Metrics } from "../../../runtime/ops/metrics.ts";
import { parseExposition } from "../../support/metrics/exposition.ts";

Deno.test("Metrics.text() reads the numbers at each scrape", async () => {
  const metrics = new Metrics();
  let count = 0;
  const verdicts = { up: 0, down: 2 };
  metrics.counter({ name: "checks_total", help: "Checks." }, () => count);
  metrics.gauge({ name: "by_verdict", help: "Each.", label: "verdict" }, () => verdicts);
  assertEquals(
    await metrics.text(),
    `# HELP checks_total Checks.
# TYPE checks_total counter
checks_total 0

# HELP by_verdict Each.
# TYPE by_verdict gauge
by_verdict{verdict="up"} 0
by_verdict{verdict="down"} 2
`,
  );
  count = 7;
  verdicts.up = 1.5;
  const families = parseExposition(await metrics.text());
  assertEquals(families.get("checks_total")!.samples, [
    { name: "checks_total", labels: {}, value: 7 },
  ]);
  assertEquals(families.get("by_verdict")!.samples.map(({ value }) => value), [1.5, 2]);
});

Deno.test("Metrics.text() drops the lines of what is gone", async () => {
  const metrics = new Metrics();
  const lags = new Map([["0", 5], ["1", 6]]);
  metrics.gauge({ name: "lag", help: "Lag.", label: "partition" }, () => lags);
  assertEquals(parseExposition(await metrics.text()).get("lag")!.samples.length, 2);
  lags.delete("0");
  assertEquals(parseExposition(await metrics.text()).get("lag")!.samples, [
    { name: "lag", labels: { partition: "1" }, value: 6 },
  ]);
  lags.clear();
  assertEquals(parseExposition(await metrics.text()).get("lag")!.samples, []);
});

Deno.test("Metrics.durations() shows milliseconds as seconds, in growing buckets", async () => {
  const metrics = new Metrics();
  const dns = new Histogram([10, 250]);
  for (const ms of [1, 10, 11, 251, 1e6]) dns.record(ms);
  const phases = { dns, tls: new Histogram([10, 250]) };
  metrics.durations({ name: "phase_seconds", help: "Phases.", label: "phase" }, () => phases);
  assertEquals(
    await metrics.text(),
    `# HELP phase_seconds Phases.
# TYPE phase_seconds histogram
phase_seconds_bucket{phase="dns",le="0.01"} 2
phase_seconds_bucket{phase="dns",le="0.25"} 3
phase_seconds_bucket{phase="dns",le="+Inf"} 5
phase_seconds_sum{phase="dns"} 1000.273
phase_seconds_count{phase="dns"} 5
phase_seconds_bucket{phase="tls",le="0.01"} 0
phase_seconds_bucket{phase="tls",le="0.25"} 0
phase_seconds_bucket{phase="tls",le="+Inf"} 0
phase_seconds_sum{phase="tls"} 0
phase_seconds_count{phase="tls"} 0
`,
  );
});

Deno.test("Metrics.info() escapes its texts", async () => {
  const metrics = new Metrics();
  const texts = { version: '1.0 "x"', runtime: "a\\b\nc" };
  metrics.info({ name: "build_info", help: "Build." }, texts);
  assertEquals(parseExposition(await metrics.text()).get("build_info")!.samples, [
    { name: "build_info", labels: texts, value: 1 },
  ]);
});

Deno.test("Metrics of one process are apart from another's, and hold a name once", async () => {
  const [one, other] = [new Metrics(), new Metrics()];
  one.counter({ name: "a_total", help: "A." }, () => 1);
  other.counter({ name: "a_total", help: "A." }, () => 2);
  assertEquals(parseExposition(await one.text()).get("a_total")!.samples[0]!.value, 1);
  assertThrows(() => one.durations({ name: "a_total", help: "A." }, () => new Histogram([1])));
});

Deno.test("Metrics.text() fails where a reading does, and works again after", async () => {
  const metrics = new Metrics();
  let broken = true;
  metrics.gauge({ name: "a", help: "A." }, () => {
    if (broken) throw new Error("broken");
    return 3;
  });
  assertEquals(await metrics.text().catch((error) => error.message), "broken");
  broken = false;
  assertEquals(parseExposition(await metrics.text()).get("a")!.samples[0]!.value, 3);
});

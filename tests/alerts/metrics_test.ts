import { addSenderMetrics, newSenderStats } from "../../alerts/outbox/stats.ts";
import { addConsumerMetrics, consumerHealth } from "../../consume/ops.ts";
import { newConsumerStats } from "../../consume/stats.ts";
import { startOps } from "../../runtime/ops/ops.ts";
import { parseExposition } from "../support/metrics/exposition.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { assertDocumented, metricsDoc } from "../support/metrics/metrics_doc.ts";
import { recordingLog } from "../support/recording_log.ts";

Deno.test("docs/metrics.md lists exactly an alerter's metrics", async () => {
  const clock = new FakeClock();
  const stats = newConsumerStats(clock.monotonic());
  stats.partitions.set(0, { position: 0n, end: 0n, failing: null });
  const sending = {
    ...newSenderStats(["chat"]),
    channels: [{ name: "chat", pending: 1, oldestS: 2, failing: false }],
  };
  const server = (await startOps({
    mode: "alerts",
    listen: { host: "127.0.0.1", port: 0 },
    addMetrics: (metrics) => {
      addConsumerMetrics(metrics, "alerter", stats);
      addSenderMetrics(metrics, sending);
    },
    ...consumerHealth("alerter", stats, clock, new AbortController().signal),
    clock,
    log: recordingLog(),
  }))!;
  try {
    const response = await fetch(`http://127.0.0.1:${server.address.port}/metrics`);
    const found = parseExposition(await response.text());
    assertDocumented(await metricsDoc(), ["Both", "Alerter"], found);
  } finally {
    await server.close();
  }
});

import { assertEquals } from "@std/assert";
import { startAgentOps } from "../../../agent/serve/ops.ts";
import type { RunningAgent } from "../../../agent/run.ts";
import { AgentStats } from "../../../agent/stats.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { assertDocumented, metricsDoc } from "../../support/metrics/metrics_doc.ts";
import { parseExposition, valueOf } from "../../support/metrics/exposition.ts";
import { loadText } from "../../config/load_text.ts";
import { recordingLog } from "../../support/recording_log.ts";

type Mutable<T> = { -readonly [K in keyof T]: { -readonly [L in keyof T[K]]: T[K][L] } };

/** The server of an agent that is acted out. */
async function ops() {
  const clock = new FakeClock();
  const stats = new AgentStats();
  const stop = new AbortController();
  const running: Mutable<Pick<RunningAgent, "outbox" | "schedule">> & RunningAgent = {
    outbox: { waiting: 0, dropped: 0, oldestAt: null, failing: false },
    schedule: { size: 3, overdueMs: 0 },
    replaceSites: () => {},
    probe: () => Promise.resolve(null),
  };
  let started = false;
  const server = (await startAgentOps({
    listen: { host: "127.0.0.1", port: 0 },
    stats,
    running: () => started ? running : null,
    config: () => loadText("{}"),
    perSite: null,
    clock,
    log: recordingLog(),
    signal: stop.signal,
  }))!;
  const origin = `http://127.0.0.1:${server.address.port}`;
  return {
    clock,
    stats,
    running,
    start: () => started = true,
    stop: () => stop.abort(),
    scrape: async () => parseExposition(await (await fetch(`${origin}/metrics`)).text()),
    async state(path: "/healthz" | "/readyz") {
      const response = await fetch(origin + path);
      const { reasons = [] } = await response.json();
      return [response.status, ...reasons];
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      assertEquals(clock.pending, 0);
    },
  };
}

Deno.test("startAgentOps() serves nothing unless the config says where", async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  const log = recordingLog();
  const server = await startAgentOps({
    listen: null,
    stats: new AgentStats(),
    running: () => null,
    config: () => loadText("{}"),
    perSite: null,
    clock,
    log,
    signal,
  });
  assertEquals([server, clock.pending, log.lines], [null, 0, []]);
});

Deno.test("docs/metrics.md lists exactly an agent's metrics", async () => {
  await using agent = await ops();
  agent.stats.recordResult({ verdict: "down", reason: "status", responseTime: 1 });
  assertDocumented(await metricsDoc(), ["Both", "Agent"], await agent.scrape());
});

Deno.test("addAgentMetrics() shows the counters of checks, in seconds where they are times", async () => {
  await using agent = await ops();
  const { stats } = agent;
  const phases = { dns: 1, connect: 2, tls: 3, firstByte: 2_000, download: 5 };
  stats.recordResult({ verdict: "up", responseTime: 1_500, phases });
  stats.recordResult({ verdict: "down", reason: "status", responseTime: 20, phases });
  stats.recordResult({ verdict: "unknown", reason: "local_stall", responseTime: 500 });
  stats.recordLateness(4);
  stats.recordLateness(104);
  Object.assign(stats, { inFlight: 7, waitingForPlace: 8, skipped: 9, cut: 10, stalls: 11 });
  Object.assign(stats, { sends: 12, sendFailures: 13, published: 14, refused: 15 });
  const found = await agent.scrape();
  const value = (name: string, labels = {}) => valueOf(found, `httpmon_agent_${name}`, labels);
  assertEquals(
    ["up", "degraded", "down", "unknown"].map((verdict) => value("checks_total", { verdict })),
    [1, 0, 1, 1],
  );
  assertEquals(
    found.get("httpmon_agent_check_reasons_total")!.samples.map(({ labels, value }) => [
      labels.reason,
      value,
    ]),
    [["status", 1], ["local_stall", 1]],
  );
  assertEquals(value("check_duration_seconds_sum"), 2.02);
  assertEquals(value("check_duration_seconds_bucket", { le: "0.5" }), 2);
  assertEquals(
    ["dns", "connect", "tls", "first_byte", "download"].map((phase) => [
      value("check_phase_duration_seconds_count", { phase }),
      value("check_phase_duration_seconds_sum", { phase }),
    ]),
    [[2, 0.002], [2, 0.004], [2, 0.006], [2, 4], [2, 0.01]],
  );
  assertEquals(value("check_lateness_seconds_sum"), 0.108);
  assertEquals(value("checks_late_total"), 1);
  assertEquals(
    ["checks_in_flight", "checks_waiting", "checks_skipped_total", "checks_cut_total"].map(
      (name) => value(name),
    ),
    [7, 8, 9, 10],
  );
  assertEquals(value("stalls_total"), 11);
  assertEquals(
    ["sends_total", "send_failures_total", "results_published_total", "results_refused_total"].map(
      (name) => value(name),
    ),
    [12, 13, 14, 15],
  );
});

Deno.test("addAgentMetrics() shows whether the last reload was taken", async () => {
  await using agent = await ops();
  const values = async () => {
    const found = await agent.scrape();
    const name = "httpmon_agent_config";
    return [
      valueOf(found, `${name}_last_reload_successful`),
      valueOf(found, `${name}_reloads_total`, { result: "applied" }),
      valueOf(found, `${name}_reloads_total`, { result: "refused" }),
    ];
  };
  assertEquals(await values(), [1, 0, 0]);
  agent.stats.recordReload("applied");
  agent.stats.recordReload("refused");
  assertEquals(await values(), [0, 1, 1]);
  agent.stats.recordReload("applied");
  assertEquals(await values(), [1, 2, 1]);
});

Deno.test("addAgentMetrics() shows the schedule and the outbox once the agent has started", async () => {
  await using agent = await ops();
  const { running, clock } = agent;
  running.outbox = { waiting: 5, dropped: 6, oldestAt: clock.now() - 90_500, failing: true };
  const names = [
    "sites",
    "outbox_results",
    "outbox_oldest_age_seconds",
    "outbox_failing",
    "outbox_dropped_total",
  ];
  const values = async () => {
    const found = await agent.scrape();
    return names.map((name) => valueOf(found, `httpmon_agent_${name}`));
  };
  assertEquals(await values(), [0, 0, 0, 0, 0]);
  agent.start();
  assertEquals(await values(), [3, 5, 90.5, 1, 6]);
  // A wall clock that was set back makes no age below 0.
  clock.setWallBy(-3_600_000);
  assertEquals((await values())[2], 0);
});

Deno.test("an agent is ready from its start to its stop, unless it cannot keep results", async () => {
  await using agent = await ops();
  const { running } = agent;
  const ready = async () => valueOf(await agent.scrape(), "httpmon_ready");
  assertEquals(await agent.state("/readyz"), [
    503,
    "The agent is starting: its state folder is not open yet",
  ]);
  assertEquals(await ready(), 0);
  agent.start();
  assertEquals(await agent.state("/readyz"), [200]);
  assertEquals(await ready(), 1);
  running.outbox.failing = true;
  assertEquals(await agent.state("/readyz"), [503, "The outbox cannot be written; see the log"]);
  running.outbox.failing = false;
  agent.stop();
  assertEquals(await agent.state("/readyz"), [503, "The agent is stopping"]);
  assertEquals(await ready(), 0);
  assertEquals(await agent.state("/healthz"), [200]);
});

Deno.test("an agent is unhealthy when its schedule stands still", async () => {
  await using agent = await ops();
  const { schedule } = agent.running;
  assertEquals(await agent.state("/healthz"), [200]);
  agent.start();
  schedule.overdueMs = 120_000;
  assertEquals(await agent.state("/healthz"), [200]);
  schedule.overdueMs = 125_000;
  const reason = "The schedule stands still: a check has been due for 125 s";
  assertEquals(await agent.state("/healthz"), [503, reason]);
  assertEquals(await agent.state("/readyz"), [503, reason]);
});

Deno.test("startAgentOps() serves /probe, and the metrics of each site behind its own", async () => {
  const clock = new FakeClock();
  const server = (await startAgentOps({
    listen: { host: "127.0.0.1", port: 0 },
    stats: new AgentStats(),
    running: () => null,
    config: () => loadText("{}"),
    perSite: {
      text: () =>
        Promise.resolve("# HELP probe_success x\n# TYPE probe_success gauge\nprobe_success 1\n"),
    },
    clock,
    log: recordingLog(),
    signal: new AbortController().signal,
  }))!;
  const origin = `http://127.0.0.1:${server.address.port}`;
  const text = async (path: string) => await (await fetch(origin + path)).text();
  assertEquals(valueOf(parseExposition(await text("/metrics")), "probe_success"), 1);
  assertEquals(await text("/probe"), "Target parameter is missing\n");
  const early = await text("/probe?target=http://a.test/&module=http_2xx");
  assertEquals(early, "The agent is starting or stopping\n");
  assertEquals(await text("/x"), "Not here; there are /metrics, /healthz, /readyz and /probe\n");
  await server.close();
});

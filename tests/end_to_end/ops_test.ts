import { kafkaSection } from "../support/config.ts";
import { assert, assertEquals } from "@std/assert";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../local/wait.ts";
import { parseExposition, type ScrapedFamily, valueOf } from "../support/metrics/exposition.ts";
import { assertDocumented, metricsDoc } from "../support/metrics/metrics_doc.ts";
import { Program } from "../support/program/program.ts";
import { freshDatabase, kafkaForTests } from "../support/stack.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";
import { produce } from "../support/topic_io.ts";

/** A site that is up, one that is missing, and one that answers only when told to. */
function serveSites() {
  let answer = () => {};
  const told = new Promise<void>((resolve) => answer = resolve);
  const asked = { slow: false };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/slow") {
      asked.slow = true;
      await told;
    }
    return new Response("All is well", { status: pathname === "/missing" ? 404 : 200 });
  });
  return { server, asked, answer, origin: `http://127.0.0.1:${server.addr.port}` };
}

/** A config in a folder of its own, and how to start a task there. */
async function folder(parts: AsyncDisposableStack, changes: Record<string, unknown> = {}) {
  const cwd = await mkdtemp(join(tmpdir(), "httpmon-ops-"));
  parts.defer(() => rm(cwd, { recursive: true, force: true }));
  const { dsn, drop } = await freshDatabase();
  parts.defer(drop);
  const sites = serveSites();
  parts.defer(() => {
    // A failed test has told nobody to answer, and the server would wait.
    sites.answer();
    return sites.server.shutdown();
  });
  const { brokers } = await kafkaForTests();
  const topic = `ops-${randomUUID()}`;
  const { origin } = sites;
  const config = {
    loglevel: "INFO",
    kafka: kafkaSection(brokers, topic, 200),
    websites: {
      [`${origin}/`]: { frequency: 1, timeout: 5 },
      missing: { url: `${origin}/missing`, frequency: 1, timeout: 5 },
      slow: { url: `${origin}/slow`, frequency: 1, timeout: 600 },
    },
    agent: { state_dir: "state", listen: "127.0.0.1:0", shutdown_timeout_ms: 120_000 },
    writer: { listen: "127.0.0.1:0" },
    database: { writer: { dsn } },
    ...changes,
  };
  await writeFile(join(cwd, "config.yaml"), JSON.stringify(config));
  const start = (mode: "agent" | "writer") =>
    parts.use(
      new Program({ command: [...taskCommand(mode), "-c", "config.yaml"], cwd, env: denoEnv() }),
    );
  return { topic, sites, start };
}

/** Where a program says that it serves its metrics. */
async function originOf(program: Program): Promise<string> {
  // An agent serves /probe, too.
  const served = /Serving [^"]*\/metrics, \/healthz and \/readyz/;
  await waitFor("the server of metrics and health", () => {
    program.assertRuns();
    return served.test(program.stderr);
  }, 60_000);
  return String(program.lastLogLine(served.exec(program.stderr)![0]).address);
}

async function scrape(origin: string, path = "/metrics"): Promise<Map<string, ScrapedFamily>> {
  const response = await fetch(origin + path);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await response.text());
}

async function status(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

Deno.test("an agent and a writer that listen tell how they do, in the documented metrics", async () => {
  await using parts = new AsyncDisposableStack();
  const { topic, sites, start } = await folder(parts);
  const [agent, writer] = [start("agent"), start("writer")];
  const [agentOrigin, writerOrigin] = [await originOf(agent), await originOf(writer)];
  for (const origin of [agentOrigin, writerOrigin]) {
    await waitFor("readiness", async () => await status(`${origin}/readyz`) === 200, 60_000);
    assertEquals(await status(`${origin}/healthz`), 200);
    assertEquals(valueOf(await scrape(origin), "httpmon_ready"), 1);
  }
  await produce(topic, [{ value: "no JSON" }]);

  const dead = { reason: "bad_json" };
  await waitFor("results in the writer's metrics", async () => {
    agent.assertRuns();
    writer.assertRuns();
    const found = await scrape(writerOrigin);
    return valueOf(found, "httpmon_writer_rows_inserted_total") >= 6 &&
      valueOf(found, "httpmon_writer_dead_letters_total", dead) === 1;
  }, 120_000);
  const checksOf = (found: Map<string, ScrapedFamily>, verdict: string) =>
    valueOf(found, "httpmon_agent_checks_total", { verdict });
  await waitFor("some checks of each site", async () => {
    const found = await scrape(agentOrigin);
    return sites.asked.slow && checksOf(found, "up") >= 3 && checksOf(found, "down") >= 3;
  }, 120_000);
  const doc = await metricsDoc();
  const ofWriter = await scrape(writerOrigin);
  assertDocumented(doc, ["Both", "Writer"], ofWriter);
  const batches = valueOf(ofWriter, "httpmon_writer_batches_total");
  assert(batches >= 2);
  assertEquals(valueOf(ofWriter, "httpmon_writer_transaction_duration_seconds_count"), batches);
  const partitions = valueOf(ofWriter, "httpmon_writer_assigned_partitions");
  assertEquals(ofWriter.get("httpmon_writer_lag_records")!.samples.length, partitions);

  const ofAgent = await scrape(agentOrigin);
  assertDocumented(doc, ["Both", "Agent"], ofAgent);
  const checks = (verdict: string) => checksOf(ofAgent, verdict);
  // A busy machine may keep it from a check: that is no check made, and nobody's fault but its own.
  const late = ofAgent.get("httpmon_agent_check_reasons_total")!.samples
    .find(({ labels }) => labels.reason === "local_late")?.value ?? 0;
  assertEquals([checks("degraded"), checks("unknown")], [0, late]);
  assertEquals(
    valueOf(ofAgent, "httpmon_agent_check_reasons_total", { reason: "status" }),
    checks("down"),
  );
  const made = checks("up") + checks("down");
  assertEquals(valueOf(ofAgent, "httpmon_agent_check_duration_seconds_count"), made);
  for (const phase of ["dns", "connect", "tls", "first_byte", "download"]) {
    const count = "httpmon_agent_check_phase_duration_seconds_count";
    assertEquals(valueOf(ofAgent, count, { phase }), made);
  }
  assertEquals(valueOf(ofAgent, "httpmon_agent_sites"), 3);
  assert(valueOf(ofAgent, "httpmon_agent_checks_in_flight") >= 1, "the slow site's is under way");
  assert(valueOf(ofAgent, "httpmon_agent_results_published_total") >= 6);
  assert(valueOf(ofAgent, "httpmon_agent_outbox_oldest_age_seconds") < 30);
  for (const found of [ofAgent, ofWriter]) {
    assert(valueOf(found, "process_resident_memory_bytes") > 1e7);
    assert(valueOf(found, "process_heap_bytes") > 1e6);
    assert(valueOf(found, "process_cpu_seconds_total") > 0);
    assert(valueOf(found, "httpmon_event_loop_delay_seconds_count") > 5);
    const started = valueOf(found, "process_start_time_seconds");
    assert(started < Date.now() / 1_000 && started > Date.now() / 1_000 - 300, String(started));
    const { labels } = found.get("httpmon_build_info")!.samples[0]!;
    assertEquals(labels.runtime, `deno ${Deno.version.deno}`);
    assertEquals(labels.mode, found === ofAgent ? "agent" : "writer");
  }

  // As a Prometheus job for blackbox_exporter asks, unchanged: of one module that it has itself.
  const { origin } = sites;
  for (const [path, success] of [["/", 1], ["/missing", 0]] as const) {
    const query = new URLSearchParams({ module: "http_2xx", target: origin + path });
    const probed = await scrape(`${agentOrigin}/probe?${query}`, "");
    assertEquals(valueOf(probed, "probe_success"), success);
    assertEquals(valueOf(probed, "probe_http_status_code"), success ? 200 : 404);
    assert(valueOf(probed, "probe_http_duration_seconds", { phase: "connect" }) > 0);
  }

  // While the agent stops it waits for the slow site, and says that it is not ready.
  const stopped = agent.stops(120_000);
  await waitFor("unreadiness", async () => await status(`${agentOrigin}/readyz`) === 503, 60_000);
  assertEquals(await status(`${agentOrigin}/healthz`), 200);
  sites.answer();
  await stopped;
  await writer.stops(60_000);
});

Deno.test("a writer whose database is away is well, but not ready", async () => {
  await using parts = new AsyncDisposableStack();
  const { start } = await folder(parts, {
    // The discard port: nobody listens there.
    database: { writer: { dsn: "postgres://nobody:secret@127.0.0.1:9/none" } },
  });
  const writer = start("writer");
  const origin = await originOf(writer);
  await waitFor("a failed try", async () => {
    writer.assertRuns();
    const found = await scrape(origin);
    return valueOf(found, "httpmon_writer_retries_total", { attempt: "place" }) > 0;
  }, 60_000);
  const ready = await fetch(`${origin}/readyz`);
  const { reasons } = await ready.json();
  assertEquals(ready.status, 503);
  assertEquals(reasons.map((reason: string) => reason.replace(/[\d, ]+\)/, "N)")), [
    "The place to read from cannot be found (partitionN); see the log",
  ]);
  assertEquals(await status(`${origin}/healthz`), 200);
  await writer.stops(60_000);
});

Deno.test("a port that is taken ends the start with 2, and names the key", async () => {
  await using parts = new AsyncDisposableStack();
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  parts.defer(() => new Promise<void>((resolve) => taken.close(() => resolve())));
  const { port } = taken.address() as { port: number };
  const listen = `127.0.0.1:${port}`;
  const { start } = await folder(parts, {
    agent: { state_dir: "state", listen },
    writer: { listen },
  });
  for (const mode of ["agent", "writer"] as const) {
    const program = start(mode);
    await program.fails(2, 60_000);
    const lines = program.stderr.split("\n");
    assertEquals(
      lines.filter((line) => !line.startsWith("{")).join("\n"),
      `httpmon: Cannot listen on ${listen} ("${mode}.listen"): another program listens there; ` +
        "stop that one, or name another port\n",
    );
  }
});

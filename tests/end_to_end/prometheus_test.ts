/** A real Prometheus, whose job for blackbox_exporter is as its README has it, scrapes an agent. */
import { assertEquals } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../local/ports.ts";
import { waitFor } from "../../local/wait.ts";
import { Program } from "../support/program/program.ts";
import { isInstalled, startPrometheus } from "../support/metrics/prometheus.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";

/** The README's "Prometheus Configuration", its targets and the exporter's address put in. */
const job = (targets: readonly string[], address: string) => `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: 'blackbox'
    metrics_path: /probe
    params:
      module: [http_2xx]  # Look for a HTTP 200 response.
    static_configs:
      - targets:
${targets.map((target) => `        - ${target}\n`).join("")}
    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: ${address}  # The blackbox exporter's real hostname:port.
  - job_name: 'blackbox_exporter'  # collect blackbox exporter's operational metrics.
    static_configs:
      - targets: ['${address}']
  - job_name: 'sites'
    honor_labels: true
    static_configs:
      - targets: ['${address}']
`;

Deno.test("a Prometheus job for blackbox_exporter scrapes an agent as it is", async (t) => {
  await t.step({
    name: "with the prometheus that is installed",
    ignore: !await isInstalled("prometheus"),
    fn: scrapes,
  });
});

async function scrapes(): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const cwd = await mkdtemp(join(tmpdir(), "httpmon-prometheus-"));
  parts.defer(() => rm(cwd, { recursive: true, force: true }));
  const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    return new Response("fine", { status: request.url.endsWith("/broken") ? 500 : 200 });
  });
  parts.defer(() => site.shutdown());
  const origin = `http://127.0.0.1:${site.addr.port}`;
  const [fine, broken, refused] = [`${origin}/`, `${origin}/broken`, "http://127.0.0.1:1/"];
  const agentPort = await freePort();
  const config = {
    // No broker is there, which concerns nobody here.
    kafka: { monitoring: { bootstrap_servers: "127.0.0.1:1" } },
    websites: { [fine]: { frequency: 1 } },
    agent: {
      state_dir: "state",
      listen: agentPort,
      metrics_per_site: "on",
      shutdown_timeout_ms: 0,
    },
  };
  await writeFile(join(cwd, "config.yaml"), JSON.stringify(config));
  const address = `127.0.0.1:${agentPort}`;
  await writeFile(join(cwd, "prometheus.yml"), job([fine, broken, refused], address));
  const agent = parts.use(
    new Program({ command: [...taskCommand("agent"), "-c", "config.yaml"], cwd, env: denoEnv() }),
  );
  const { prometheus, query } = await startPrometheus(parts, cwd);
  const values = async (text: string) =>
    Object.fromEntries((await query(text)).map(({ metric, value }) => [metric.instance, value[1]]));
  const all = { [fine]: "1", [broken]: "0", [refused]: "0" };
  const probed = 'probe_success{job="blackbox"}';
  await waitFor("all that is scraped", async () => {
    const own = await query('probe_success{job="sites"}');
    agent.assertRuns();
    return own.length > 0 && Object.keys(await values(probed)).length === 3;
  }, 60_000);

  assertEquals(await values(probed), all);
  assertEquals(await values('up{job="blackbox"}'), { ...all, [broken]: "1", [refused]: "1" });
  assertEquals(await values('probe_http_status_code{job="blackbox"}'), {
    [fine]: "200",
    [broken]: "500",
    [refused]: "0",
  });
  assertEquals(await values('probe_success{job="sites"}'), { [fine]: "1" });
  assertEquals(await values('up{job=~"blackbox_exporter|sites"}'), { [address]: "1" });
  const phases = await query(`probe_http_duration_seconds{job="blackbox",instance="${fine}"}`);
  assertEquals(phases.map(({ metric }) => metric.phase).sort(), [
    "connect",
    "processing",
    "resolve",
    "tls",
    "transfer",
  ]);
  await prometheus.stops(60_000);
  await agent.stops(60_000);
}

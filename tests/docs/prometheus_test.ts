/** docs/prometheus and docs/grafana/pipeline.json in a real Prometheus, where one is installed. */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import pipeline from "../../docs/grafana/pipeline.json" with { type: "json" };
import { waitFor } from "../../local/wait.ts";
import { documented, metricsDoc } from "../support/metrics/metrics_doc.ts";
import { isInstalled, startPrometheus } from "../support/metrics/prometheus.ts";

const RULES = new URL("../../docs/prometheus/httpmon.rules.yaml", import.meta.url).pathname;

/** Series, a value a minute, and the alert that they raise at a minute; "x" is what they have in common. */
const RAISED: [alert: string, minute: number, series: Record<string, string>][] = [
  ["HttpmonNotReady", 6, { "httpmon_ready{x}": "0x10" }],
  ["HttpmonOutboxOld", 1, { "httpmon_agent_outbox_oldest_age_seconds{x}": "301x10" }],
  ["HttpmonResultsLost", 3, { "httpmon_agent_outbox_dropped_total{x}": "0 0 5 5" }],
  ["HttpmonResultsRefused", 3, { "httpmon_agent_results_refused_total{x}": "0 0 1 1" }],
  ["HttpmonConfigRefused", 1, { "httpmon_agent_config_last_reload_successful{x}": "0x10" }],
  ["HttpmonChecksLate", 12, {
    'httpmon_agent_check_lateness_seconds_bucket{x,le="1"}': "0+1x20",
    'httpmon_agent_check_lateness_seconds_bucket{x,le="5"}': "0+60x20",
    'httpmon_agent_check_lateness_seconds_bucket{x,le="+Inf"}': "0+60x20",
  }],
  ["HttpmonAgentTrouble", 12, { 'httpmon_agent_checks_total{x,verdict="unknown"}': "0+3x20" }],
  ["HttpmonMostSitesDown", 12, {
    'httpmon_agent_checks_total{x,verdict="down"}': "0+30x20",
    'httpmon_agent_checks_total{x,verdict="up"}': "0+10x20",
  }],
  ["HttpmonNoWriter", 4, { "httpmon_writer_assigned_partitions{x}": "0x10" }],
  ["HttpmonWritersBehind", 12, { "httpmon_writer_lag_records{x}": "10001x20" }],
  ["HttpmonDeadLetters", 3, {
    'httpmon_writer_dead_letters_total{x,reason="bad_json"}': "0 0 1 1",
  }],
  ["HttpmonTopicExpired", 3, { "httpmon_writer_records_expired_total{x}": "0 0 9 9" }],
];

Deno.test({
  name: "each rule of docs/prometheus is raised by what it is about",
  ignore: !await isInstalled("promtool"),
  async fn() {
    const text = await Deno.readTextFile(RULES);
    const names = [...text.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
    assertEquals(RAISED.map(([name]) => name), names);
    const folder = await Deno.makeTempDir();
    try {
      const file = join(folder, "test.yaml");
      // A minute before it is not raised, where it waits; beside it, all that is well.
      const tests = RAISED.map(([alertname, minute, series]) => ({
        interval: "1m",
        input_series: Object.entries(series).map(([name, values]) => ({
          series: name.replace(/\{x/, '{instance="a:1"'),
          values,
        })),
        promql_expr_test: [{
          expr: `count(ALERTS{alertname="${alertname}",alertstate="firing"})`,
          eval_time: `${minute}m`,
          exp_samples: [{ labels: "{}", value: 1 }],
        }],
      }));
      await Deno.writeTextFile(
        file,
        JSON.stringify({ rule_files: [RULES], evaluation_interval: "1m", tests }),
      );
      const { success, stdout, stderr } = await new Deno.Command("promtool", {
        args: ["test", "rules", file],
      }).output();
      const said = new TextDecoder().decode(new Uint8Array([...stdout, ...stderr]));
      assert(success, said);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** A scrape with each documented metric in it, counters and buckets growing with each one. */
function scrapeOf(doc: string, n: number): string {
  const headings = ["Both", "Agent", "Writer", "Alerter"];
  return headings.flatMap((heading) => [...documented(doc, heading)]).map(
    ([name, [type, labels]]) => {
      const some = labels!.split(", ").filter(Boolean).map((label) => `${label}="some"`);
      const line = (name: string, value: number, more: string[] = []) =>
        `${name}{${[...some, ...more].join(",")}} ${value}\n`;
      const head = `# TYPE ${name} ${type}\n`;
      if (type !== "histogram") return head + line(name, type === "counter" ? n : 1);
      const buckets = ["0.1", "1", "+Inf"].map((le) => line(`${name}_bucket`, n, [`le="${le}"`]));
      return head + buckets.join("") + line(`${name}_sum`, n / 10) + line(`${name}_count`, n);
    },
  ).join("");
}

Deno.test({
  name: "each query of docs/grafana/pipeline.json has an answer in a Prometheus that scrapes us",
  ignore: !await isInstalled("prometheus"),
  async fn() {
    await using parts = new AsyncDisposableStack();
    const cwd = await Deno.makeTempDir();
    parts.defer(() => Deno.remove(cwd, { recursive: true }));
    const doc = await metricsDoc();
    let n = 0;
    const target = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
      return new Response(scrapeOf(doc, ++n), { headers: { "content-type": "text/plain" } });
    });
    parts.defer(() => target.shutdown());
    await Deno.writeTextFile(
      join(cwd, "prometheus.yml"),
      JSON.stringify({
        global: { scrape_interval: "1s", evaluation_interval: "1s" },
        rule_files: [RULES],
        scrape_configs: [{
          job_name: "httpmon",
          static_configs: [{ targets: [`127.0.0.1:${target.addr.port}`] }],
        }],
      }),
    );
    const { query } = await startPrometheus(parts, cwd);
    for (const { expr } of pipeline.panels.flatMap(({ targets }) => targets)) {
      const expression = expr.replaceAll("$__rate_interval", "1m");
      await waitFor(expression, async () => (await query(expression)).length > 0, 60_000);
    }
  },
});

Deno.test("docs/runbook.md says of each alert what it means and what to do", async () => {
  const named = (text: string, form: RegExp) => [...text.matchAll(form)].map(([, name]) => name);
  const alerts = named(await Deno.readTextFile(RULES), /alert: (\w+)/g);
  const runbook = await Deno.readTextFile(new URL("../../docs/runbook.md", import.meta.url));
  assertEquals(named(runbook, /^\| `(Httpmon\w+)`/gm), alerts);
});

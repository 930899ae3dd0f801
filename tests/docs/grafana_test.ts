/** The boards of docs/grafana: each of their queries runs, and the metrics that they ask for are there. */
import { assert, assertEquals } from "@std/assert";
import pipeline from "../../docs/grafana/pipeline.json" with { type: "json" };
import sites from "../../docs/grafana/sites.json" with { type: "json" };
import { testRoles } from "../db/roles.ts";
import { documented, metricsDoc } from "../support/metrics/metrics_doc.ts";
import { addIncident, webWorld } from "../web/world.ts";

const RULES = await Deno.readTextFile(
  new URL("../../docs/prometheus/httpmon.rules.yaml", import.meta.url),
);

/** As Grafana's PostgreSQL data source puts values in. */
function interpolated(sql: string, site: string, from: number, to: number): string {
  const time = (ms: number) => `'${new Date(ms).toISOString()}'`;
  return sql.replaceAll("${site:sqlstring}", `'${site.replaceAll("'", "''")}'`)
    .replaceAll("$__timeFrom()", time(from)).replaceAll("$__timeTo()", time(to));
}

Deno.test("docs/grafana/sites.json asks what a reader may, and gets answers", async (t) => {
  await using world = await webWorld();
  await addIncident(world, "checkout");
  await using roles = await testRoles(world.database);
  await roles.grant("reader");
  const pool = roles.poolOf("reader");
  const [day, now] = [86_400_000, Date.now()];
  // A world of an hour has no yesterday, no gap within the hour and no certificate's end but one.
  const mayBeEmpty = /nobody looked|yesterday/;
  try {
    for (const { query } of sites.templating.list) {
      assert((await pool.query(query)).rows.length > 0, query);
    }
    for (const { title, targets } of sites.panels) {
      await t.step(title, async () => {
        for (const { rawSql } of targets) {
          // By the hour, and by the day.
          for (const from of [now - day, now - 30 * day]) {
            const sql = interpolated(rawSql, "checkout", from, now);
            assertEquals(sql.match(/\$\w+|\$\{/), null);
            const { rows } = await pool.query(sql);
            assert(rows.length > 0 || mayBeEmpty.test(title), sql);
          }
        }
      });
    }
  } finally {
    await pool.end();
  }
});

Deno.test("docs/grafana/pipeline.json and the rules know only metrics and labels that are there", async () => {
  const doc = await metricsDoc();
  const known = new Map(
    ["Both", "Agent", "Writer", "Alerter"].flatMap((heading) => [...documented(doc, heading)]),
  );
  const expressions = [
    ...pipeline.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...[...RULES.matchAll(/expr: >-\n +(.*)/g)].map(([, expr]) => expr!),
  ];
  assert(expressions.length > 30);
  for (const expression of expressions) {
    const names = expression.match(/\b(?:httpmon|process)_\w+/g) ?? [];
    assert(names.length > 0, expression);
    for (const name of names) {
      const family = known.get(name.replace(/_(?:bucket|sum|count)$/, ""));
      assert(family, `${name} in ${expression}`);
    }
    const labels = new Set(names.flatMap((name) => {
      const [, labels = ""] = known.get(name.replace(/_(?:bucket|sum|count)$/, ""))!;
      return labels.split(", ");
    }));
    const asked = [...expression.matchAll(/(?:by|on) \(([^)]*)\)|(\w+)=~?"/g)]
      .flatMap(([, by, label]) => (by ?? label)!.split(/, */));
    for (const label of asked) {
      assert(labels.has(label) || ["instance", "le"].includes(label), `${label} in ${expression}`);
    }
  }
});

Deno.test("each rule's expression stands in docs/metrics.md", async () => {
  const doc = await metricsDoc();
  const rows = doc.split("## Alerts")[1]!.split("\n## ")[0]!;
  for (const [, expression] of RULES.matchAll(/expr: >-\n +(.*)/g)) {
    assert(rows.includes(`\`${expression}\``), expression);
  }
});

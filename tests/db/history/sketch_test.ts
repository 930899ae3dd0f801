import { DDSketch } from "@datadog/sketches-js";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { DAY_MS, historyDatabase, HOUR_MS, insert, rollUpAll } from "./fixture.ts";

const START = Date.UTC(2026, 4, 1);

Deno.test("httpmon_sketch_key() and httpmon_sketch_value() are those of a DDSketch", async () => {
  await using database = await historyDatabase(START, 0);
  const values = Array.from({ length: 390 }, (_, i) => Math.fround(0.0011 * 1.06 ** i));
  for (const [phase, alpha] of [[0, 0.02], [3, 0.15]] as const) {
    const mapping = new DDSketch({ relativeAccuracy: alpha }).mapping;
    const rows = await database.rows(
      `SELECT key - CASE $2 WHEN 0 THEN -340 ELSE $2 * 80 + 6 END AS bin, httpmon_sketch_value(key) AS value
       FROM unnest($1::float4[]) AS ms, httpmon_sketch_key($2, ms) AS key`,
      [values, phase],
    );
    for (const [index, { bin, value }] of rows.entries()) {
      assertEquals(bin, mapping.key(values[index]!), `${values[index]} ms`);
      assertAlmostEquals(value / mapping.value(bin), 1, 1e-9);
    }
  }
  // Ends that a sketch has not.
  assertEquals(
    await database.rows(
      `SELECT httpmon_sketch_key(0, ms) AS response, httpmon_sketch_key(1, ms) AS dns
       FROM unnest('{-1,0,1e-9,1e7,1e30,Infinity,NaN}'::float4[]) AS ms`,
    ),
    [
      ...[null, null, 64].map((dns) => ({ response: -512, dns })),
      ...Array.from({ length: 4 }, () => ({ response: 63, dns: 139 })),
    ],
  );
});

Deno.test("httpmon_percentile() gives what @datadog/sketches-js gives of the same results, near the exact value", async () => {
  await using database = await historyDatabase(START, 2);
  const sketch = new DDSketch({ relativeAccuracy: 0.02 });
  const connect = new DDSketch({ relativeAccuracy: 0.15 });
  const times: number[] = [];
  const rows = Array.from({ length: 3000 }, (_, i) => {
    // 5 ms to some minutes, a long tail; the numbers that four bytes hold.
    const ms = Math.fround(5 + 20 * Math.exp(3 * Math.sin(i * 1.7) + 2 * Math.sin(i * 0.37)));
    sketch.accept(ms);
    connect.accept(Math.fround(ms / 7));
    times.push(ms);
    // Two days, the second of which is not over.
    return { ts: START + i * 40_000, agent: 1 + i % 3, ms, phases: [0, ms / 7, 0, 0, 0] };
  });
  await insert(database.pool, rows);
  await rollUpAll(database, START + DAY_MS + 5 * HOUR_MS);
  times.sort((a, b) => a - b);
  const range = [new Date(START), new Date(START + 2 * DAY_MS)];
  for (const q of [0, 0.01, 0.5, 0.9, 0.95, 0.99, 1]) {
    const [{ response, connected }] = await database.rows(
      `SELECT httpmon_percentile('https://1.example/', $1, $2, $3) AS response,
         httpmon_percentile('https://1.example/', $1, $2, $3, 'connect') AS connected`,
      [q, ...range],
    );
    assertAlmostEquals(response / sketch.getValueAtQuantile(q), 1, 1e-6, `q ${q}`);
    assertAlmostEquals(connected / connect.getValueAtQuantile(q), 1, 1e-6, `q ${q}`);
    const exact = times[Math.floor(q * (times.length - 1))]!;
    assert(Math.abs(response / exact - 1) < 0.02001, `q ${q}: ${response}, exactly ${exact}`);
  }
  assertEquals(
    await database.value(
      "SELECT httpmon_percentile('https://1.example/', 0.5, $1, $2, 'dns')",
      range,
    ),
    null,
  );
  await assertRejects(
    () =>
      database.rows("SELECT httpmon_percentile('https://1.example/', 0.5, $1, $2, 'tsl')", range),
    Error,
    'Phase "tsl" is not known, it is one of response, dns, connect, tls, first_byte, download',
  );
});

Deno.test("a bin of more results than one number holds stays whole when it is merged", async () => {
  await using database = await historyDatabase(START, 0);
  // 8,388,606 of 10 ms, and 200,000 of a second.
  await database.rows(
    `INSERT INTO rollup_daily (bucket, site_id, agent_id, checks, up, degraded, down, unknown,
       maintenance, response_sum, responses, sketch)
     SELECT day, 1, 1, 4294303, 4294303, 0, 0, 0, 0, 0, 4294303, ARRAY[
       httpmon_sketch_key(0, 10) << 22 | 4194303, httpmon_sketch_key(0, 1000) << 22 | 100000]
     FROM unnest($1::timestamptz[]) AS day`,
    [[new Date(START), new Date(START + DAY_MS)]],
  );
  await database.rows("INSERT INTO rollup_pending VALUES (1, 'month', $1)", [new Date(START)]);
  await rollUpAll(database, START + DAY_MS);
  const [month] = await database.rows(
    `SELECT n::int, ms FROM rollup_monthly, httpmon_quantiles(httpmon_bins(sketch, 0), '{0.97,0.98}')`,
  );
  const [days] = await database.rows(
    `SELECT ARRAY[httpmon_percentile(url, 0.97, $1, $2), httpmon_percentile(url, 0.98, $1, $2)] AS ms
     FROM sites WHERE id = 1`,
    [new Date(START), new Date(START + 2 * DAY_MS)],
  );
  assertEquals(month.n, 2 * 4_294_303);
  assertEquals(month.ms, days.ms);
  assertAlmostEquals(month.ms[0] / 10, 1, 0.02001);
  assertAlmostEquals(month.ms[1] / 1_000, 1, 0.02001);
});

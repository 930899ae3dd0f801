import { assert, assertEquals } from "@std/assert";
import {
  DAY_MS,
  historyDatabase,
  HOUR_MS,
  insert,
  MINUTE_MS,
  minutes,
  rollUpAll,
  START,
} from "./fixture.ts";

Deno.test("httpmon_sites_now() tells the majority's state, since when, and who is silent", async () => {
  await using database = await historyDatabase(Date.now() - DAY_MS, 3);
  await database.rows(
    "INSERT INTO contexts (frequency, identity) VALUES (60, gen_random_uuid())",
  );
  const from = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 9 * MINUTE_MS;
  const add = (site: number, agent: number, letters: string) =>
    insert(database.pool, minutes(letters, { site, agent }, from));
  await add(1, 1, "uuuuuuuuu");
  await add(1, 2, "uuuuudddd"); // one of three
  await add(1, 3, "uuuuuuuuu");
  await add(2, 1, "uuudddddd");
  await add(2, 2, "uuuuudddd"); // now two of three
  await add(2, 3, "uuuuuuuuu");
  await add(3, 1, "uu       "); // silent for seven minutes of a frequency of one
  await add(4, 1, "uuu??????");
  await add(5, 1, "uuummmmmm");
  await database.rows("UPDATE check_results SET context_id = 1");
  const found = async () =>
    (await database.rows(
      `SELECT site_id, state, round(extract(epoch FROM since - $1) / 60)::int AS since, agents_down
       FROM httpmon_sites_now() ORDER BY 1`,
      [new Date(from)],
    )).map((row) => Object.values(row));
  const expected = [
    [1, "up", 0, 1],
    [2, "down", 5, 2],
    [3, "unobserved", 1, 0],
    [4, "unknown", 3, 0],
    [5, "maintenance", 3, 0],
  ];
  assertEquals(await found(), expected);
  // The same where some of it is noted.
  await rollUpAll(database, Date.now() + HOUR_MS);
  assertEquals(await found(), expected);
});

Deno.test("httpmon_unobserved_hours() gives the hours that nobody reported", async () => {
  await using database = await historyDatabase(START, 2);
  await insert(database.pool, [
    ...minutes("u"),
    ...minutes("u", { agent: 2 }, START + 3 * HOUR_MS),
  ]);
  const gaps = await database.rows(
    `SELECT extract(hour FROM started AT TIME ZONE 'UTC')::int AS from,
       extract(hour FROM ended AT TIME ZONE 'UTC')::int AS until
     FROM httpmon_unobserved_hours('https://1.example/', $1, $2)`,
    [new Date(START), new Date(START + 6 * HOUR_MS)],
  );
  assertEquals(gaps, [{ from: 1, until: 3 }, { from: 4, until: 6 }]);
});

Deno.test("httpmon_percentiles(), httpmon_slowest() and httpmon_by_location() answer from the sketches", async () => {
  await using database = await historyDatabase(START, 2);
  await database.rows(
    "INSERT INTO contexts (location, identity) VALUES ('eu', gen_random_uuid())",
  );
  for (const site of [1, 2]) {
    await insert(
      database.pool,
      Array.from({ length: 100 }, (_, n) => ({
        ts: START + n * 30_000,
        site,
        ms: site * (n + 1),
        verdict: n < 25 ? 2 : 0,
      })),
    );
  }
  await database.rows("UPDATE check_results SET context_id = 1");
  const since = new Date(START), until = new Date(START + HOUR_MS);
  const near = (found: number, exact: number) =>
    assert(Math.abs(found - exact) <= exact * 0.021, `${found} is not ${exact}`);
  for (const rolledUp of [false, true]) {
    if (rolledUp) await rollUpAll(database, START + DAY_MS);
    const [hour] = await database.rows(
      "SELECT * FROM httpmon_percentiles('https://1.example/', $1, $2, 'hour')",
      [since, until],
    );
    assertEquals(Number(hour.results), 100);
    near(hour.p50, 50);
    near(hour.p95, 95);
    const slowest = await database.rows("SELECT * FROM httpmon_slowest($1, $2, 0.95, 1)", [
      since,
      until,
    ]);
    assertEquals(slowest.map(({ site }) => site), ["https://2.example/"]);
    near(slowest[0].ms, 190);
    const [eu] = await database.rows(
      "SELECT location, checks::int, uptime FROM httpmon_by_location('https://1.example/', $1, $2)",
      [since, until],
    );
    assertEquals(eu, { location: "eu", checks: 100, uptime: 0.75 });
  }
});

Deno.test("httpmon_series(), httpmon_percentiles_of() and httpmon_strips() say what the others say one by one", async () => {
  await using database = await historyDatabase(START, 4);
  let seed = 9;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  await insert(
    database.pool,
    Array.from({ length: 2000 }, (_, n) => ({
      ts: START + n * 100_000,
      site: 1 + n % 4,
      // Two sites by one agent each, two by two.
      agent: n % 4 < 2 ? 1 : 1 + (n >> 2) % 2,
      ms: 10 * Math.exp(3 * random()),
      phases: [1, 2, 3, 4, 5].map((scale) => scale * random()),
      verdict: random() < 0.1 ? 2 : 0,
    })),
  );
  const range = [new Date(START + HOUR_MS / 2), new Date(START + 2 * DAY_MS + HOUR_MS)];
  for (const rolledUp of [false, true]) {
    if (rolledUp) await rollUpAll(database, START + 3 * DAY_MS);
    for (const phase of ["response", "tls"]) {
      const each = await database.rows(
        `SELECT id AS site_id, httpmon_percentile(url, 0.5, $1, $2, $3) AS p50,
           httpmon_percentile(url, 0.95, $1, $2, $3) AS p95, httpmon_percentile(url, 0.99, $1, $2, $3) AS p99
         FROM sites WHERE id < 5 ORDER BY 1`,
        [...range, phase],
      );
      for (const ids of [null, [1, 2, 3, 4]]) {
        const found = await database.rows(
          "SELECT site_id, p50, p95, p99 FROM httpmon_percentiles_of($4, $1, $2, $3) ORDER BY 1",
          [...range, phase, ids],
        );
        assertEquals(found, each, `${phase}, ${ids}`);
      }
      const column = phase === "response" ? "p50" : "tls";
      const chart = await database.rows(
        `SELECT bucket, ${column} AS p50 FROM httpmon_series('{3}', $1, $2, 'hour')`,
        range,
      );
      const hours = await database.rows(
        "SELECT bucket, p50 FROM httpmon_percentiles('https://3.example/', $1, $2, 'hour', $3)",
        [...range, phase],
      );
      assertEquals(chart, hours);
      assertEquals(chart.length, 49);
    }
    const strips = await database.rows(
      `SELECT site_id, bucket, up::int, down::int FROM httpmon_strips('{1,3}', $1, $2, 'day')`,
      range,
    );
    const days = await database.rows(
      `SELECT 1 AS site_id, bucket, up::int, down::int FROM httpmon_series('{1}', $1, $2, 'day')
       UNION ALL SELECT 3, bucket, sum(up)::int, sum(down)::int
       FROM httpmon_series('{3}', $1, $2, 'day', true) GROUP BY 2 ORDER BY 1, 2`,
      range,
    );
    assertEquals(strips, days);
    assertEquals(days.length, 6);
  }
  const results = await database.value(
    "SELECT sum(results)::int FROM httpmon_percentiles_of(NULL, $1, $2, 'connect')",
    range,
  );
  const counted = "SELECT count(*)::int FROM check_results WHERE ts >= $1 AND ts < $2";
  assertEquals(results, await database.value(counted, range));
});

Deno.test("httpmon_last_checks() gives the last results of each site, of all its agents", async () => {
  await using database = await historyDatabase(Date.now() - DAY_MS, 3);
  const from = Date.now() - HOUR_MS;
  await insert(database.pool, minutes("uudd", { site: 1 }, from));
  await insert(database.pool, minutes("sm?", { site: 1, agent: 2 }, from + 1000));
  await insert(database.pool, minutes("u", { site: 2 }, from));
  await insert(database.pool, minutes("u", { site: 3 }, from));
  const found = await database.rows(
    "SELECT site_id, agent_id, state FROM httpmon_last_checks('{1,2}', 4)",
  );
  assertEquals(found.map((row) => Object.values(row)), [
    [1, 1, 2],
    [1, 2, 3],
    [1, 1, 2],
    [1, 2, 4],
    [2, 1, 0],
  ]);
  assertEquals(await database.rows("SELECT FROM httpmon_last_checks('{1,2}', 4, '1 min')"), []);
});

Deno.test("httpmon_revision() moves when a rollup was computed again", async () => {
  await using database = await historyDatabase(START, 2);
  const revision = async () => Number(await database.value("SELECT httpmon_revision()"));
  await insert(database.pool, minutes("u"));
  const before = await revision();
  await rollUpAll(database, START + HOUR_MS - 1);
  assertEquals(await revision(), before);
  await rollUpAll(database, START + HOUR_MS);
  const after = await revision();
  assert(after > before);
  await rollUpAll(database, START + HOUR_MS);
  assertEquals(await revision(), after);
});

Deno.test("httpmon_slowest() finds the slowest of many sites, whose rows it need not merge all", async () => {
  await using database = await historyDatabase(START, 4);
  let seed = 5;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const slow = [40, 10, 30, 50, 20];
  await insert(
    database.pool,
    Array.from({ length: 3000 }, (_, n) => ({
      ts: START + n * 80_000,
      site: 1 + n % 5,
      agent: 1 + n % 3,
      ms: slow[n % 5]! * Math.exp(2 * random() * random()),
    })),
  );
  await rollUpAll(database, START + 3 * DAY_MS);
  const range = [new Date(START), new Date(START + 3 * DAY_MS)];
  for (const q of [0, 0.5, 0.95, 1]) {
    for (const n of [1, 3, 9]) {
      const found = await database.rows("SELECT site, ms FROM httpmon_slowest($1, $2, $3, $4)", [
        ...range,
        q,
        n,
      ]);
      const each = await database.rows(
        `SELECT url AS site, httpmon_percentile(url, $3, $1, $2) AS ms FROM sites
         ORDER BY 2 DESC LIMIT $4`,
        [...range, q, n],
      );
      assertEquals(found, each, `${q}, ${n}`);
    }
  }
});

Deno.test("httpmon_uptimes() gives the uptime of each site to the last full hour, the worst first", async () => {
  await using database = await historyDatabase(Date.now() - 3 * DAY_MS, 5);
  // Here now() stands still: the hour does not end between what is stored and what is asked.
  const client = await database.pool.connect();
  await using _ = { [Symbol.asyncDispose]: () => Promise.resolve(client.release(true)) };
  await client.query("BEGIN");
  const ask = async (sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows;
  const hour = (await ask("SELECT date_trunc('hour', now(), 'UTC') AS hour"))[0].hour.getTime();
  await insert(database.pool, minutes("dddd", { site: 1 }, hour - 24 * HOUR_MS - 4 * MINUTE_MS));
  await insert(database.pool, minutes("uuud", { site: 1 }, hour - 24 * HOUR_MS));
  await insert(database.pool, minutes("ud", { site: 2 }, hour - 2 * MINUTE_MS));
  await insert(database.pool, minutes("?m", { site: 3 }, hour - 2 * MINUTE_MS));
  await insert(database.pool, minutes("d", { site: 2 }, hour));
  const uptimes = (days: number) =>
    ask("SELECT uptime, counted::int FROM httpmon_uptimes($1)", [days]);
  for (const rolledUp of [false, true]) {
    if (rolledUp) await rollUpAll(database, hour);
    assertEquals(await uptimes(1), [
      { uptime: 0.5, counted: 2 },
      { uptime: 0.75, counted: 4 },
      { uptime: null, counted: 0 },
    ]);
    // Whole days, and not only 48 hours.
    assertEquals((await uptimes(2))[0], { uptime: 0.375, counted: 8 });
    const ofOne = await ask("SELECT site_id, uptime FROM httpmon_uptimes(1, '{2}')");
    assertEquals(ofOne, [{ site_id: 2, uptime: 0.5 }]);
  }
});

Deno.test("httpmon_certificates() gives what ends soon of the chains that were seen last", async () => {
  await using database = await historyDatabase(Date.now(), 1);
  await database.rows(
    `INSERT INTO certificates
     SELECT sha256(name::bytea), now(), now() + days * interval '1 day', 'CN=' || name, 'CN=CA', '1',
       '{}', now()
     FROM (VALUES ('old', 5), ('renewed', 90), ('authority', 20), ('gone', 1)) AS c(name, days)`,
  );
  await database.rows(
    `INSERT INTO site_certificates
     SELECT site, 1, ARRAY[sha256(own::bytea), sha256('authority'::bytea)], now(),
       (now() AT TIME ZONE 'UTC')::date - ago
     FROM (VALUES (1, 'old', 0), (2, 'old', 1), (2, 'renewed', 0), (3, 'gone', 3))
       AS shown(site, own, ago)`,
  );
  const found = await database.rows(
    `SELECT site, round(days_left) AS days, subject, fingerprint = sha256(substr(subject, 4)::bytea) AS own
     FROM httpmon_certificates()`,
  );
  assertEquals(found.map((row) => Object.values(row)), [
    ["https://1.example/", 5, "CN=old", true],
    ["https://1.example/", 20, "CN=authority", true],
    ["https://2.example/", 20, "CN=authority", true],
  ]);
  assertEquals((await database.rows("SELECT FROM httpmon_certificates('6 days')")).length, 1);
});

Deno.test("the queries of docs/questions.md run", async () => {
  await using database = await historyDatabase(Date.now() - DAY_MS, 3);
  await insert(database.pool, minutes("uuddu", {}, Date.now() - HOUR_MS));
  const page = await Deno.readTextFile(new URL("../../../docs/questions.md", import.meta.url));
  const blocks = [...page.matchAll(/^```sql\n(.*?)^```/gms)].map(([, block]) => block!);
  const statements = blocks.join("").replaceAll("example.com", "1.example").split(/;\n/)
    .filter((sql) => sql.trim() !== "");
  assertEquals(statements.length, 18);
  for (const sql of statements) await database.rows(sql);
});

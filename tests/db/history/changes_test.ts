import { assert, assertEquals } from "@std/assert";
import type { OwnDatabase } from "../fixture.ts";
import { DAY_MS, historyDatabase, HOUR_MS, insert, rollUpAll, type Row } from "./fixture.ts";

const START = Date.UTC(2026, 3, 29);
const MINUTE_MS = 60_000;

/** The changes of verdict before `until`, by plain SQL over the results. */
const CHANGES = (until: string) =>
  `SELECT ts, site_id, agent_id, state FROM (
     SELECT *, lag(state) OVER (PARTITION BY site_id, agent_id ORDER BY ts) AS before FROM (
       SELECT ts, site_id, agent_id, CASE WHEN maintenance THEN 4 ELSE verdict END::int AS state
       FROM check_results WHERE ts < ${until}
     ) AS results
   ) AS each WHERE state IS DISTINCT FROM before`;

async function assertChanges({ rows }: OwnDatabase, noted: string, until: string): Promise<void> {
  for (
    const [what, found] of [
      [
        "noted",
        `SELECT ts, site_id, agent_id, state::int FROM verdict_changes WHERE ts < ${noted}`,
      ],
      [
        "asked",
        `SELECT ts, site_id, agent_id, state::int FROM httpmon_changes(NULL, '-infinity', ${until})`,
      ],
    ] as const
  ) {
    const exact = CHANGES(what === "noted" ? noted : until);
    const wrong = await rows(
      `WITH found AS (${found}), exact AS (${exact})
       (SELECT 'found' AS which, * FROM (TABLE found EXCEPT TABLE exact) AS row)
       UNION ALL (SELECT 'exact', * FROM (TABLE exact EXCEPT TABLE found) AS row) LIMIT 4`,
    );
    assertEquals(wrong, [], `the changes that are ${what} are not those of the results`);
  }
}

/** Results a minute, each as the letters say: u(p), d(own), s(low), ?(unknown), m(aintenance), " " none. */
function minutes(letters: string, changes: Partial<Row> = {}, from = START): Row[] {
  return [...letters].flatMap((letter, n) => {
    if (letter === " ") return [];
    const verdict = "usd?".indexOf(letter === "m" ? "u" : letter);
    return [{
      ts: from + n * MINUTE_MS,
      verdict,
      maintenance: letter === "m" ? true : null,
      ...changes,
    }];
  });
}

Deno.test("httpmon_roll_up() notes every change of a verdict, in whatever order results come", async () => {
  await using database = await historyDatabase(START, 4);
  let seed = 7;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
  const now = START + 3 * DAY_MS + 30 * MINUTE_MS;
  for (let round = 0; round < 12; round++) {
    const batch = Array.from({ length: 150 }, () => ({
      // Mostly up, and sparse: whole hours without a result, or all up.
      ts: START + random(3 * 24 * 12) * 5 * MINUTE_MS + random(1000),
      site: 1 + random(2),
      agent: 1 + random(2),
      verdict: random(5) === 0 ? 1 + random(3) : 0,
      maintenance: random(40) === 0 ? true : null,
    }));
    await insert(database.pool, batch);
    await rollUpAll(database, now, 1 + random(40));
    const noted = `'${new Date(START + 3 * DAY_MS).toISOString()}'`;
    await assertChanges(database, noted, "now()");
  }
});

Deno.test("httpmon_changes() knows those that are not noted yet", async () => {
  await using database = await historyDatabase(START, 2);
  await insert(database.pool, minutes("uuudduu"));
  await rollUpAll(database, START + 2 * HOUR_MS);
  await insert(database.pool, minutes("dduuudd", {}, START + HOUR_MS));
  await assertChanges(database, `'${new Date(START + HOUR_MS).toISOString()}'`, "now()");
});

Deno.test("httpmon_roll_up() notes changes anew where whole hours were deleted", async () => {
  for (const most of [1, 100]) {
    await using database = await historyDatabase(START, 2);
    // Up, down for three hours, up: without the first two of them, the third begins with the change.
    for (const [hour, letters] of ["uu", "dd", "dd", "dd", "uu"].entries()) {
      await insert(database.pool, minutes(letters, {}, START + hour * HOUR_MS));
    }
    const now = START + DAY_MS;
    await rollUpAll(database, now);
    const range = [new Date(START + HOUR_MS), new Date(START + 3 * HOUR_MS)];
    await database.rows("DELETE FROM check_results WHERE ts >= $1 AND ts < $2", range);
    await database.rows("SELECT httpmon_recompute($1, $2)", range);
    await rollUpAll(database, now, most);
    const until = `'${new Date(now).toISOString()}'`;
    await assertChanges(database, until, until);
  }
});

Deno.test("httpmon_failures() knows a run that began in what is not noted yet", async () => {
  await using database = await historyDatabase(START, 2);
  await insert(database.pool, minutes("uuuu"));
  await rollUpAll(database, START + HOUR_MS);
  await insert(database.pool, minutes("uuddddddddu", {}, START + HOUR_MS));
  const found = await database.rows(
    `SELECT extract(epoch FROM started - $1)::int / 60 AS from,
       extract(epoch FROM ended - $1)::int / 60 AS until
     FROM httpmon_failures('{1}', $1::timestamptz + interval '5 min', $1::timestamptz + interval '6 min')`,
    [new Date(START + HOUR_MS)],
  );
  assertEquals(found, [{ from: 2, until: 10 }]);
});

Deno.test("httpmon_failures() joins what several agents saw, and passes over what says nothing", async () => {
  await using database = await historyDatabase(START, 2);
  await insert(database.pool, minutes("uudd?dmduuudu"));
  await insert(database.pool, minutes("uuuddddddduuu", { agent: 2 }));
  await insert(database.pool, minutes("uuuuuuuuuuuuu", { agent: 3 }));
  await insert(database.pool, minutes("uuuuuuuuuuudd", { site: 2 }));
  const failures = (since: number, until: number) =>
    database.rows(
      `SELECT site_id AS site, extract(epoch FROM started - $1)::int / 60 AS from,
         extract(epoch FROM ended - $1)::int / 60 AS until, agent_ids AS agents
       FROM httpmon_failures(NULL, $2, $3) ORDER BY started, site_id`,
      [new Date(START), new Date(START + since * MINUTE_MS), new Date(START + until * MINUTE_MS)],
    );
  const all = [
    { site: 1, from: 2, until: 10, agents: [1, 2] },
    { site: 1, from: 11, until: 12, agents: [1] },
    { site: 2, from: 11, until: null, agents: [1] },
  ];
  assertEquals(await failures(0, 60), all);
  await rollUpAll(database, START + 2 * HOUR_MS);
  assertEquals(await failures(0, 60), all);
  // One that began before is whole.
  assertEquals(await failures(5, 8), [{ site: 1, from: 2, until: 10, agents: [1, 2] }]);
  assertEquals(await failures(10, 11), []);
});

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
    `INSERT INTO agents (identity) VALUES (gen_random_uuid()), (gen_random_uuid());
     INSERT INTO contexts (location, identity) VALUES ('eu', gen_random_uuid())`,
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

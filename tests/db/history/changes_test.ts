import { assertEquals } from "@std/assert";
import type { OwnDatabase } from "../fixture.ts";
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
  assertEquals(
    await rows(
      `WITH last AS (
         SELECT DISTINCT ON (site_id, agent_id) site_id, agent_id, ts, state FROM verdict_changes
         ORDER BY site_id, agent_id, ts DESC
       )
       (TABLE last EXCEPT TABLE verdict_last) UNION ALL (TABLE verdict_last EXCEPT TABLE last)`,
    ),
    [],
    "verdict_last is not the last of the changes",
  );
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
    // Those of the hour under way, too.
    await assertChanges(database, "'infinity'", "now()");
  }
});

Deno.test("httpmon_agents_see() and httpmon_failures() are exact, however much is noted", async () => {
  await using database = await historyDatabase(Date.now() - DAY_MS, 3);
  let seed = 3;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
  const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  for (let round = 0; round < 12; round++) {
    // Most in the last hours, some sites silent for long.
    const batch = Array.from({ length: 25 }, () => {
      const site = 1 + random(5);
      return {
        ts: now - (site === 5 ? 200 : 0) * MINUTE_MS - random(round < 6 ? 300 : 8) * MINUTE_MS,
        site,
        agent: 1 + random(2),
        verdict: random(3) === 0 ? 1 + random(3) : 0,
        maintenance: random(20) === 0 ? true : null,
      };
    });
    await insert(database.pool, batch);
    if (random(2) === 0) await rollUpAll(database, now - random(3) * HOUR_MS);
    const columns = "site_id, agent_id, ts, state::int, since";
    const wrong = await database.rows(
      `WITH found AS (SELECT ${columns} FROM httpmon_agents_see()),
       changed AS (${CHANGES("'infinity'")}),
       exact AS (
         SELECT DISTINCT ON (site_id, agent_id) site_id, agent_id, r.ts,
           CASE WHEN maintenance THEN 4 ELSE verdict END::int AS state,
           (SELECT max(c.ts) FROM changed AS c
            WHERE c.site_id = r.site_id AND c.agent_id = r.agent_id) AS since
         FROM check_results AS r ORDER BY site_id, agent_id, r.ts DESC
       )
       (SELECT 'found' AS which, * FROM (TABLE found EXCEPT TABLE exact) AS row)
       UNION ALL (SELECT 'exact', * FROM (TABLE exact EXCEPT TABLE found) AS row)`,
    );
    assertEquals(wrong, [], `${round}`);
    const range = [300, 0].map((most) => new Date(now - (most + random(20)) * MINUTE_MS));
    const runs = await database.rows(
      `WITH results AS (
         SELECT *, lag(verdict = 2) OVER (PARTITION BY site_id, agent_id ORDER BY ts) AS was_down
         FROM check_results WHERE verdict < 3 AND maintenance IS NOT TRUE
       ), turns AS (
         SELECT *, lead(ts) OVER (PARTITION BY site_id, agent_id ORDER BY ts) AS next FROM results
         WHERE (verdict = 2) IS DISTINCT FROM was_down
       ), joined AS (
         SELECT site_id, unnest(range_agg(tstzrange(ts, next))) AS run FROM turns
         WHERE verdict = 2 AND tstzrange(ts, next) && tstzrange($1, $2) GROUP BY 1
       )
       SELECT site_id, lower(run) AS started, upper(run) AS ended FROM joined ORDER BY 2, 1`,
      range,
    );
    const failures = await database.rows(
      "SELECT site_id, started, ended FROM httpmon_failures(NULL, $1, $2) ORDER BY 2, 1",
      range,
    );
    assertEquals(failures, runs, `${round}`);
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
    await assertChanges(database, "'infinity'", "now()");
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

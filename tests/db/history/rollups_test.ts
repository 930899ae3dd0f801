import { assert, assertEquals } from "@std/assert";
import type pg from "pg";
import { waitFor } from "../../../local/wait.ts";
import { rollUp } from "../../../db/history/roll_up.ts";
import type { OwnDatabase } from "../fixture.ts";
import {
  assertRollups,
  DAY_MS,
  historyDatabase,
  HOUR_MS,
  insert,
  rollUpAll,
  type Row,
} from "./fixture.ts";

const START = Date.UTC(2026, 3, 29);
const DAYS = 5;

/** The same numbers at each run: mulberry32. */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomRow(random: () => number): Row {
  const pick = <T>(...values: T[]) => values[Math.floor(random() * values.length)]!;
  const ms = () => pick(0, random(), 20 * random(), 3000 * random());
  return {
    ts: START + Math.floor(random() * DAYS * DAY_MS / 60_000) * 60_000,
    site: pick(1, 2, 3),
    agent: pick(1, 1, 2),
    verdict: pick(0, 0, 0, 1, 2, 2, 3),
    slots: pick(null, null, 1, 3),
    maintenance: pick(null, null, null, false, true),
    code: pick(200, 200, 503, null),
    ms: pick(null, ms(), ms(), 90_000 * random()),
    phases: pick([], [ms(), ms(), ms(), ms(), ms()]),
  };
}

/** Asks a random question, and the results the same. */
async function assertAnswer({ rows }: OwnDatabase, random: () => number): Promise<void> {
  const site = 1 + Math.floor(random() * 3);
  const times = [random(), random()].sort().map((at) => {
    const time = START + at * DAYS * DAY_MS;
    return new Date(random() < 0.5 ? time : Math.round(time / HOUR_MS) * HOUR_MS).toISOString();
  });
  const [answer] = await rows(
    `SELECT sum(checks)::int AS checks, sum(down)::int AS down, sum(maintenance)::int AS maintenance,
       max(response_max) AS slowest, httpmon_uptime($2, $3, $4) AS uptime,
       httpmon_percentile($2, 0.9, $3, $4) AS p90
     FROM httpmon_rollup(ARRAY[$1::int], $3, $4)`,
    [site, `https://${site}.example/`, ...times],
  );
  const [exact] = await rows(
    `SELECT count(*)::int AS checks,
       sum(n) FILTER (WHERE verdict = 2 AND NOT m)::int AS down, sum(n) FILTER (WHERE m)::int AS maintenance,
       max(response_time::float4) FILTER (WHERE r) AS slowest,
       coalesce(sum(n) FILTER (WHERE verdict < 2 AND NOT m), 0)::float8
         / nullif(sum(n) FILTER (WHERE verdict < 3 AND NOT m), 0) AS uptime,
       (array_agg(response_time ORDER BY response_time) FILTER (WHERE r))[
         floor(0.9 * ((count(*) FILTER (WHERE r)) - 1)) + 1] AS p90
     FROM (
       SELECT *, coalesce(slots, 1) AS n, coalesce(maintenance, false) AS m,
         NOT coalesce(maintenance, false) AND verdict < 3 AND response_code IS NOT NULL
           AND response_time IS NOT NULL AS r
       FROM check_results WHERE site_id = $1 AND ts >= $2 AND ts < $3
     ) AS results`,
    [site, ...times],
  );
  const { p90, ...counts } = answer;
  const { p90: exactP90, ...exactCounts } = exact;
  if (exact.checks === 0) assertEquals(answer.checks, null);
  else {
    const zeros = { down: 0, maintenance: 0 };
    for (const each of [counts, exactCounts]) for (const key of Object.keys(zeros)) each[key] ??= 0;
    assertEquals(counts, exactCounts, `${site} ${times}`);
  }
  if (exactP90 === null || exactP90 === undefined) assertEquals(p90, null);
  else {assert(
      Math.abs(p90 - exactP90) <= Math.max(0.02001 * exactP90, 0.0011),
      `${p90}, ${exactP90}`,
    );}
}

for (const seed of [1, 2, 3]) {
  Deno.test(`rollUp() keeps every row as a recomputation gives it, whatever comes meanwhile (${seed})`, async () => {
    await using database = await historyDatabase(START, DAYS);
    const random = randomFrom(seed);
    const open: pg.PoolClient[] = [];
    const close = async () => {
      const client = open.shift()!;
      await client.query(random() < 0.2 ? "ROLLBACK" : "COMMIT");
      client.release();
    };
    await using _ = {
      [Symbol.asyncDispose]: async () => {
        for (const client of open) await client.release(true);
      },
    };
    let now = START;
    for (let step = 0; step < 60; step++) {
      const batch = Array.from({ length: 1 + random() * 40 }, () => randomRow(random));
      switch (Math.floor(random() * 6)) {
        case 0:
          now += Math.floor(random() * 12) * HOUR_MS;
          await rollUpAll(database, now, random() < 0.3 ? 5 : undefined);
          break;
        case 1: {
          // A writer whose transaction is open while others roll up.
          if (open.length === 2) await close();
          const client = await database.pool.connect();
          await client.query("BEGIN");
          // Another minute than the committed ones, or one would wait for the other.
          await insert(client, batch.map((row) => ({ ...row, ts: row.ts + 100 * (step + 1) })));
          open.push(client);
          break;
        }
        case 2: {
          const from = new Date(START + random() * DAYS * DAY_MS).toISOString();
          await database.rows(
            `WITH deleted AS (
               DELETE FROM check_results WHERE ts >= $1 AND ts < $1::timestamptz + interval '7 hours'
             ), corrected AS (
               UPDATE check_results SET verdict = 1, slots = 2
               WHERE ts >= $1::timestamptz + interval '9 hours' AND ts < $1::timestamptz + interval '12 hours'
             )
             SELECT httpmon_recompute($1, $1::timestamptz + interval '12 hours')`,
            [from],
          );
          break;
        }
        default:
          await insert(database.pool, batch);
      }
      await assertAnswer(database, random);
    }
    while (open.length > 0) await close();
    now = START + DAYS * DAY_MS;
    await rollUpAll(database, now);
    await assertRollups(database, now);
    await assertAnswer(database, random);
    assertEquals(await database.rows("TABLE rollup_pending"), []);
    assert(await database.value("SELECT count(*) FROM rollup_monthly") as number > 0);
  });
}

Deno.test("rollUp() leaves an hour that is not over, and counts what a day has of it only then", async () => {
  await using database = await historyDatabase(START, 2);
  await insert(database.pool, [{ ts: START + 1000 }, { ts: START + HOUR_MS }]);
  await rollUpAll(database, START + HOUR_MS - 1);
  assertEquals(await database.value("SELECT count(*)::int FROM rollup_hourly"), 0);
  await rollUpAll(database, START + HOUR_MS);
  assertEquals(await database.value("SELECT count(*)::int FROM rollup_hourly"), 1);
  await rollUpAll(database, START + DAY_MS - 1);
  assertEquals(await database.value("SELECT count(*)::int FROM rollup_daily"), 0);
  await rollUpAll(database, START + DAY_MS);
  assertEquals(await database.rows("SELECT checks FROM rollup_daily"), [{ checks: 2 }]);
  assertEquals(await database.rows("SELECT checks FROM rollup_monthly"), [{ checks: 2 }]);
});

Deno.test("rollUp() loses no mark when it is killed in the middle of a computation", async () => {
  await using database = await historyDatabase(START, 1);
  await insert(database.pool, [{ ts: START }, { ts: START + 1000, site: 2 }]);
  // Whoever holds the hours' table lets it wait in the middle.
  const holder = await database.pool.connect();
  try {
    await holder.query("BEGIN; LOCK TABLE rollup_hourly IN SHARE MODE");
    const killed = rollUp(database.pool, { now: () => START + HOUR_MS, waitMs: 0 }).then(
      () => "done",
      () => "killed",
    );
    const waiting = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND query LIKE '%httpmon_roll_up%' AND datname = current_database()`;
    await waitFor(
      "the maintainer to wait",
      async () => (await database.rows(waiting)).length === 1,
      60_000,
    );
    assertEquals(await killed, "killed");
    await holder.query("ROLLBACK");
  } finally {
    holder.release();
  }
  await rollUpAll(database, START + DAY_MS);
  await assertRollups(database, START + DAY_MS);
});

Deno.test("rollUp() by several at once computes the same as one", async () => {
  await using database = await historyDatabase(START, DAYS);
  const random = randomFrom(4);
  const now = START + DAYS * DAY_MS;
  await insert(database.pool, Array.from({ length: 500 }, () => randomRow(random)));
  await Promise.all([
    rollUpAll(database, now, 7),
    rollUpAll(database, now, 11),
    rollUpAll(database, now, 13),
  ]);
  await assertRollups(database, now);
});

Deno.test("httpmon_uptime() and httpmon_percentile() lock the days at the edges alone", async () => {
  await using database = await historyDatabase(START, DAYS);
  await insert(database.pool, Array.from({ length: DAYS }, (_, i) => ({ ts: START + i * DAY_MS })));
  await rollUpAll(database, START + DAYS * DAY_MS);
  const client = await database.pool.connect();
  try {
    await client.query("BEGIN");
    const range = [new Date(START + 60_000), new Date(START + 3 * DAY_MS)];
    await client.query("SELECT httpmon_uptime('https://1.example/', $1, $2)", range);
    await client.query("SELECT httpmon_percentile('https://1.example/', 0.5, $1, $2)", range);
    const { rows } = await client.query(
      `SELECT DISTINCT relation::regclass::text AS name FROM pg_locks
       WHERE relation::regclass::text ~ '^check_results_p[0-9]*$' AND pid = pg_backend_pid()`,
    );
    assertEquals(rows, [{ name: "check_results_p20260429" }]);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
});

Deno.test("httpmon_unobserved() is the time that no result answers for", async () => {
  await using database = await historyDatabase(START, 2);
  await database.rows(
    `INSERT INTO contexts (frequency, identity) VALUES (60, md5('a')::uuid), (NULL, md5('b')::uuid)`,
  );
  // Due each minute of two hours, from one agent or another; 10 to 20 is silent, 30 answers for five.
  const minutes = Array.from({ length: 120 }, (_, i) => i)
    .filter((minute) => (minute < 10 || minute > 20) && (minute < 31 || minute > 34));
  await database.rows(
    `INSERT INTO check_results (ts, site_id, agent_id, verdict, lateness, context_id, slots)
     SELECT $2::timestamptz + minute * interval '1 minute' + interval '40 ms', 1, minute % 2, 0, 40, 1,
       CASE minute WHEN 30 THEN 5 END
     FROM unnest($1::int[]) AS minute
     UNION ALL SELECT $2::timestamptz + interval '15 minutes', 1, 1, 0, NULL, 2, NULL`,
    [minutes, new Date(START)],
  );
  const gaps = await database.rows(
    `SELECT lower(gap) AS from, upper(gap) AS to
     FROM unnest(httpmon_unobserved('https://1.example/', $1, $2)) AS gap`,
    [new Date(START), new Date(START + 3 * HOUR_MS)],
  );
  assertEquals(gaps.map(({ from, to }) => [from.getTime() - START, to.getTime() - START]), [
    [10 * 60_000 + 1000, 21 * 60_000],
    [2 * HOUR_MS + 1000, 3 * HOUR_MS],
  ]);
});

Deno.test("httpmon_recompute() leaves the rollups of days whose results are gone", async () => {
  await using database = await historyDatabase(START, 2);
  await insert(database.pool, [{ ts: START }, { ts: START + DAY_MS }]);
  const now = START + 3 * DAY_MS;
  await rollUpAll(database, now);
  await database.rows("DROP TABLE check_results_p20260429");
  await database.rows("DELETE FROM check_results");
  await database.rows("SELECT httpmon_recompute('2026-01-01Z', '2027-01-01Z')");
  await rollUpAll(database, now);
  for (const table of ["rollup_hourly", "rollup_daily"]) {
    const left = await database.rows(`SELECT bucket FROM ${table}`);
    assertEquals(left, [{ bucket: new Date(START) }], table);
  }
});

Deno.test("rollUp() leaves what stands of a day that was dropped by hand with marks of it", async () => {
  await using database = await historyDatabase(START, 2);
  await insert(database.pool, [{ ts: START, verdict: 2 }, { ts: START + DAY_MS }]);
  const now = START + 3 * DAY_MS;
  await rollUpAll(database, now);
  const tables = ["rollup_hourly", "rollup_daily", "rollup_monthly", "verdict_changes"];
  const stand = () => Promise.all(tables.map((table) => database.rows(`TABLE ${table}`)));
  const before = await stand();
  // One hour's mark is taken already when the day goes, the others' are not.
  await insert(database.pool, [1000, HOUR_MS, 2 * HOUR_MS].map((after) => ({ ts: START + after })));
  await database.rows(
    `INSERT INTO rollup_pending SELECT 1, 'hour', hour FROM rollup_marks LIMIT 1;
     DROP TABLE check_results_p20260429`,
  );
  await rollUpAll(database, now);
  assertEquals(await stand(), before);
  for (const table of ["rollup_marks", "rollup_pending"]) {
    assertEquals(await database.rows(`TABLE ${table}`), [], table);
  }
});

Deno.test("httpmon_roll_up() bears results that say the most slots there can be", async () => {
  await using database = await historyDatabase(START, 1);
  const most = 2 ** 31 - 1;
  await insert(
    database.pool,
    [0, 1, HOUR_MS].map((after) => ({ ts: START + after, slots: most })),
  );
  await database.rows(
    `INSERT INTO contexts (frequency, identity) VALUES (2147483647, gen_random_uuid());
     UPDATE check_results SET context_id = 1`,
  );
  await rollUpAll(database, START + 2 * DAY_MS);
  for (const table of ["rollup_hourly", "rollup_daily", "rollup_monthly"]) {
    assertEquals(await database.rows(`SELECT DISTINCT up FROM ${table}`), [{ up: most }], table);
  }
  const range = [new Date(START), new Date(START + DAY_MS)];
  const ask = (sql: string) => database.value(`SELECT ${sql}('https://1.example/', $1, $2)`, range);
  assertEquals(await ask("httpmon_uptime"), 1);
  assertEquals(await ask("httpmon_unobserved"), "{}");
});

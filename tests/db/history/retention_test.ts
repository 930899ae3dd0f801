import { assert, assertEquals } from "@std/assert";
import type pg from "pg";
import { dryRun, shortened } from "../../../db/history/dry_run.ts";
import { BUSY } from "../../../db/history/lock.ts";
import { maintain, type Round } from "../../../db/history/maintain.ts";
import type { RetentionConfig } from "../../../config/types.ts";
import { ensurePartitions } from "../../../db/schema/partitions.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import type { OwnDatabase } from "../fixture.ts";
import { DAY_MS, historyDatabase, HOUR_MS, insert, KEEP, MINUTE_MS, rollUpAll } from "./fixture.ts";

/** The first day with results; there are 15, to 8 April, two results a day and site. */
const START = Date.UTC(2026, 2, 25);
const DAYS = 15;

async function filled(): Promise<OwnDatabase> {
  const database = await historyDatabase(START, DAYS);
  await insert(
    database.pool,
    Array.from({ length: 4 * DAYS }, (_, i) => ({
      ts: START + Math.floor(i / 4) * DAY_MS + (i % 2) * 5 * HOUR_MS,
      site: 1 + Math.floor(i / 2) % 2,
      verdict: i % 8 === 0 ? 2 : 0,
      ms: 10 + i,
    })),
  );
  return database;
}

/** Rounds at noon of the day after the last. */
async function round(
  { pool }: { pool: pg.Pool },
  retention: Partial<RetentionConfig>,
  waitMs = 0,
): Promise<Round> {
  const clock = new FakeClock({ wall: START + DAYS * DAY_MS + 12 * HOUR_MS });
  const done = await maintain({ pool, clock, retention: { ...KEEP, ...retention }, waitMs });
  if (done === BUSY) throw new Error("Another maintainer is at work");
  return done;
}

function days({ value }: OwnDatabase, table = "check_results"): Promise<unknown> {
  return value(
    "SELECT count(*)::int FROM httpmon_bounds($1::regclass) WHERE upper(bounds) <= $2 AND NOT detach_pending",
    [table, new Date(START + DAYS * DAY_MS)],
  );
}

const ANSWERS = `SELECT httpmon_uptime('https://1.example/', since, until) AS uptime,
    httpmon_percentile('https://1.example/', 0.9, since, until) AS p90,
    (SELECT sum(checks)::int FROM httpmon_rollup(NULL, since, until)) AS checks
  FROM (VALUES ('2026-01-01'::timestamptz, '2027-01-01'::timestamptz), ('2026-03-01', '2026-04-01'))
    AS range(since, until)`;

Deno.test("maintain() drops nothing where everything is kept", async () => {
  await using database = await filled();
  const { dropped, held, deleted } = await round(database, {});
  assertEquals({ dropped, held, deleted }, { dropped: [], held: null, deleted: {} });
  assertEquals(await days(database), DAYS);
});

Deno.test("maintain() drops what is over its days, and answers stay the same", async () => {
  await using database = await filled();
  await round(database, {});
  const before = await database.rows(ANSWERS);
  const { dropped, held, deleted } = await round(database, {
    raw: 3,
    hourly: 5,
    daily: 6,
    evidence: 2,
  });
  assertEquals(dropped.length, 12 + 13);
  assertEquals(held, null);
  assertEquals(await days(database), 3);
  assertEquals(await days(database, "evidence"), 2);
  // Two sites, two hours a day; daily rows go by whole months: those of March.
  assertEquals(deleted, { rollup_hourly: 10 * 4, rollup_daily: 7 * 2, verdict_changes: 7 });
  assertEquals(
    await database.rows(
      "SELECT what, keep_days, dropped_before::text FROM retention WHERE keep_days IS NOT NULL ORDER BY 1",
    ),
    [
      { what: "daily", keep_days: 6, dropped_before: "2026-04-01" },
      { what: "evidence", keep_days: 2, dropped_before: "2026-04-07" },
      { what: "hourly", keep_days: 5, dropped_before: "2026-04-04" },
      { what: "raw", keep_days: 3, dropped_before: "2026-04-06" },
    ],
  );
  assertEquals(await database.rows(ANSWERS), before);
  assertEquals(
    (await round(database, { raw: 3, hourly: 5, daily: 6, evidence: 2 })).dropped,
    [],
  );
});

Deno.test("maintain() rounds an edge up to what is kept", async () => {
  await using database = await filled();
  await round(database, { raw: 3, hourly: 5, daily: 6 });
  const checks = (since: string, until: string) =>
    database.value("SELECT coalesce(sum(checks), 0)::int FROM httpmon_rollup(ARRAY[1], $1, $2)", [
      `${since}Z`,
      `${until}Z`,
    ]);
  // Results of a day are at 0:00 and at 5:00. Where results are: exact.
  assertEquals(await checks("2026-04-07 00:00:01", "2026-04-08"), 1);
  // Where hours are: 0:00:01 becomes 1:00; where days are, the next day.
  assertEquals(await checks("2026-04-04 05:00:01", "2026-04-04 07:30"), 0);
  assertEquals(await checks("2026-04-04 04:30", "2026-04-04 05:00:01"), 1);
  assertEquals(await checks("2026-04-01 12:00", "2026-04-02 00:00:01"), 2);
  // And where months are, the next month.
  assertEquals(await checks("2026-03-01", "2026-03-28"), 2 * 7);
  assertEquals(await checks("2026-03-26", "2026-03-28"), 0);
});

Deno.test("maintain() drops no results before their rollups add up to them", async () => {
  await using database = await filled();
  await round(database, {});
  // A result that no mark speaks of, as if written by hand.
  await database.rows(
    "INSERT INTO check_results (ts, site_id, agent_id, verdict) VALUES ('2026-03-26 01:00Z', 3, 1, 0)",
  );
  const { dropped, held } = await round(database, { raw: 3 });
  assertEquals([dropped, held], [["check_results_p20260325"], "rollups"]);
  assertEquals((await round(database, { raw: 3 })).dropped.length, 11);
  assertEquals(
    await database.value("SELECT sum(checks)::int FROM rollup_hourly WHERE site_id = 3"),
    1,
  );
});

Deno.test("maintain() waits for no reader, holds up no writer, and takes up what it left", async () => {
  await using database = await filled();
  await round(database, {});
  const reader = await database.pool.connect();
  try {
    await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM check_results");
    const first = await round(database, { raw: 13 });
    assertEquals([first.dropped, first.held], [[], "readers"]);
    // The day is on its way out: others read and write on, and its hours are not computed from nothing.
    await ensurePartitions(database.pool, ["2026-04-20"]);
    await insert(database.pool, [{ ts: START + 10 * DAY_MS + 1000 }]);
    assertEquals(
      await database.value("SELECT count(*)::int FROM check_results WHERE ts < '2026-03-26Z'"),
      0,
    );
    assertEquals(
      (await reader.query("SELECT count(*)::int AS n FROM check_results WHERE ts < '2026-03-26Z'"))
        .rows,
      [{ n: 4 }],
    );
    await database.rows("SELECT httpmon_recompute('2026-03-25Z', '2026-03-26Z')");
    assertEquals((await round(database, { raw: 13 })).held, "readers");
    assertEquals(
      await database.value(
        "SELECT sum(checks)::int FROM rollup_hourly WHERE bucket < '2026-03-26Z'",
      ),
      4,
    );
    await database.rows("DELETE FROM rollup_pending");
    await reader.query("COMMIT");
  } finally {
    reader.release();
  }
  const last = await round(database, { raw: 13 });
  assertEquals([last.held, ...last.dropped], [
    null,
    "check_results_p20260325",
    "check_results_p20260326",
  ]);
  assertEquals(await database.value("SELECT to_regclass('check_results_p20260325')"), null);
  assertEquals(await database.rows("TABLE dropping"), []);
});

Deno.test("maintain() puts a day back where a transaction of before the drop stored results of it", async () => {
  await using database = await filled();
  await round(database, {});
  const writer = await database.pool.connect();
  try {
    await writer.query("BEGIN");
    await insert(writer, [{ ts: START + 7 * HOUR_MS }]);
    // It waits for the writer for a second.
    assertEquals((await round(database, { raw: 14 })).held, "readers");
    assertEquals(
      await database.value("SELECT count(*)::int FROM pg_inherits WHERE inhdetachpending"),
      1,
    );
    await writer.query("COMMIT");
    const { dropped, held } = await round(database, { raw: 14 });
    assertEquals([dropped, held], [[], "rollups"]);
  } finally {
    writer.release();
  }
  assertEquals((await round(database, { raw: 14 })).dropped, ["check_results_p20260325"]);
  assertEquals(
    await database.value("SELECT sum(checks)::int FROM rollup_daily WHERE bucket < '2026-03-26Z'"),
    5,
  );
});

Deno.test("maintain() sweeps dead letters by their age, and shared rows with the last day they were seen", async () => {
  await using database = await filled();
  await database.rows(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", reason, detail, at)
     SELECT 'c', 't', 0, i, 'r', 'd', '2026-03-31Z'::timestamptz + i * interval '1 day' FROM generate_series(0, 9) AS i;
     INSERT INTO contexts (location, identity, last_seen)
     SELECT i, md5(i::text)::uuid, '2026-03-20'::date + i FROM generate_series(0, 19) AS i`,
  );
  const { deleted } = await round(database, { raw: 10, deadLetters: 4 });
  assertEquals(deleted, { dead_letters: 5, contexts: 9 });
});

Deno.test("maintain() sweeps incidents that are over, and what was told of them", async () => {
  await using database = await filled();
  await database.rows(
    `INSERT INTO incidents
       (site_id, kind, severity, opened_at, closed_at, cause, locations, evidence)
     SELECT i, 'down', 'critical', '2026-03-01Z', CASE WHEN i < 9
       THEN '2026-03-31Z'::timestamptz + i * interval '1 day' END, '', '{}', '[]'
     FROM generate_series(0, 9) AS i;
     INSERT INTO notifications (incident_id, channel, event, created_at)
     SELECT id, 'chat', event, '2026-03-01Z'
     FROM incidents, unnest(ARRAY['opened', 'resolved']) AS event`,
  );
  const { deleted } = await round(database, { incidents: 4 });
  assertEquals(deleted, { notifications: 10, incidents: 5 });
  assertEquals(await database.value("SELECT count(*)::int FROM notifications"), 10);
});

Deno.test("maintain() leaves the work to a maintainer that is at it", async () => {
  await using database = await filled();
  const other = await database.pool.connect();
  try {
    await other.query("BEGIN; LOCK TABLE retention IN SHARE ROW EXCLUSIVE MODE");
    const clock = new FakeClock({ wall: START });
    assertEquals(await maintain({ pool: database.pool, clock, retention: KEEP, waitMs: 1 }), BUSY);
    await other.query("ROLLBACK");
  } finally {
    other.release();
  }
});

Deno.test("dryRun() says what would go, with sizes, and does nothing", async () => {
  await using database = await filled();
  const now = START + DAYS * DAY_MS + 12 * HOUR_MS;
  await rollUpAll(database, now);
  await ensurePartitions(database.pool, ["2026-04-09"]);
  await insert(database.pool, [{ ts: now - HOUR_MS }, { ts: now }]);
  await insert(database.pool, [1, 2, 70].map((n) => ({ ts: START + n * MINUTE_MS })));
  const lines = await dryRun(database.pool, now, {
    ...KEEP,
    raw: 13,
    hourly: 14,
    daily: 14,
    deadLetters: 1,
  });
  assertEquals(lines.map((line) => line.replace(/[\d.]+ MB/, "N MB")), [
    "Would roll up 3 hours of sites; 1 are not over yet",
    'Would drop 2 partitions of "check_results" from before 2026-03-27, N MB',
    "  check_results_p20260325, N MB",
    "  check_results_p20260326, N MB",
    'Keeps all of "evidence"',
    'Would delete 4 rows of "rollup_hourly" from before 2026-03-26, and those of 2 hours of sites ' +
    "rolled up first",
    'Would delete 0 rows of "rollup_daily" from before 2026-03-01',
    'Would delete 0 rows of "dead_letters" from before 2026-04-08',
  ]);
  assertEquals(await days(database), DAYS);
  assert(await database.value("SELECT count(*)::int FROM rollup_marks") as number > 0);
});

Deno.test("shortened() keeps the first ten of many lines", () => {
  const lines = (n: number) => Array.from({ length: n }, (_, i) => `line ${i}`);
  assertEquals(shortened(lines(11)), lines(11));
  assertEquals(shortened(lines(370)), [...lines(10), "  and 360 more"]);
});

import { assert, assertEquals } from "@std/assert";
import { ensurePartitions, partitionDays } from "../../../db/schema/partitions.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { formatTimestamp } from "../../../wire/timestamp.ts";
import {
  AGENT,
  type OwnDatabase,
  ownDatabase,
  OwnStore,
  records,
  result,
  SOURCE,
} from "../fixture.ts";

const PARTITIONS = `SELECT c.relname AS name, pg_get_expr(relpartbound, c.oid) AS bounds
  FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
  WHERE inhparent = 'check_results'::regclass AND c.relname LIKE $1 ORDER BY 1`;

function insertAt({ rows }: OwnDatabase, ts: string): Promise<unknown[]> {
  return rows("INSERT INTO check_results (ts, site_id, agent_id, verdict) VALUES ($1, 1, 1, 0)", [
    ts,
  ]);
}

Deno.test("partitionDays() gives UTC days around a moment", () => {
  const now = Date.UTC(2026, 11, 31, 23, 59);
  assertEquals(partitionDays(now, -1, 2), ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]);
});

Deno.test("ensurePartitions() makes whole days in UTC, once", async () => {
  await using database = await ownDatabase({ max: 1 });
  await database.rows("SET timezone = 'Pacific/Auckland'; SET datestyle = 'SQL, DMY'");
  const days = ["2024-02-28", "2024-02-29", "2024-02-28"];
  // Of the results and of the evidence.
  assertEquals(await ensurePartitions(database.pool, days), 4);
  assertEquals(await ensurePartitions(database.pool, days), 0);
  await insertAt(database, "2024-02-28 00:00:00+00");
  await insertAt(database, "2024-02-29 23:59:59.999999+00");
  await database.rows("SET timezone = 'UTC'; SET datestyle = 'ISO'");
  assertEquals(await database.rows(PARTITIONS, ["check_results_p2024%"]), [
    {
      name: "check_results_p20240228",
      bounds: "FOR VALUES FROM ('2024-02-28 00:00:00+00') TO ('2024-02-29 00:00:00+00')",
    },
    {
      name: "check_results_p20240229",
      bounds: "FOR VALUES FROM ('2024-02-29 00:00:00+00') TO ('2024-03-01 00:00:00+00')",
    },
  ]);
});

Deno.test("ensurePartitions() gives a partition the parent's own indexes, each once", async () => {
  await using database = await ownDatabase();
  await ensurePartitions(database.pool, ["2024-02-28"]);
  const attached = await database.rows(
    `SELECT p.relname AS parent FROM pg_index i
     JOIN pg_inherits h ON h.inhrelid = i.indexrelid JOIN pg_class p ON p.oid = h.inhparent
     WHERE i.indrelid = 'check_results_p20240228'::regclass ORDER BY 1`,
  );
  assertEquals(attached.map(({ parent }) => parent), ["check_results_pkey", "check_results_ts"]);
  const all =
    "SELECT count(*)::int FROM pg_index WHERE indrelid = 'check_results_p20240228'::regclass";
  assertEquals(await database.value(all), 2);
});

Deno.test("ensurePartitions() makes only what wider partitions leave open", async () => {
  await using database = await ownDatabase({ max: 1 });
  await database.rows(
    `SET timezone = 'UTC';
     CREATE TABLE wide PARTITION OF check_results
       FOR VALUES FROM ('2024-03-02 12:00+00') TO ('2024-04-01 00:00+00');
     CREATE TABLE half PARTITION OF check_results
       FOR VALUES FROM ('2024-03-01 06:00+00') TO ('2024-03-01 12:00+00');
     CREATE TABLE old PARTITION OF check_results FOR VALUES FROM (MINVALUE) TO ('2020-01-01+00');
     CREATE TABLE rest PARTITION OF check_results DEFAULT`,
  );
  const days = ["2019-12-31", "2024-03-01", "2024-03-02", "2024-03-15"];
  assertEquals(await ensurePartitions(database.pool, days), 3 + days.length);
  assertEquals(await ensurePartitions(database.pool, days), 0);
  const made = await database.rows(PARTITIONS, ["check_results_p2024%"]);
  assertEquals(made.map(({ name, bounds }) => `${name} ${bounds.match(/\d\d:\d\d:\d\d/g)}`), [
    "check_results_p20240301_000000 00:00:00,06:00:00",
    "check_results_p20240301_120000 12:00:00,00:00:00",
    "check_results_p20240302_000000 00:00:00,12:00:00",
  ]);
});

Deno.test("ensurePartitions() by many at once makes each day once and holds no writer up", async () => {
  await using database = await ownDatabase({ max: 9 });
  // A transaction that has stored and stays open: CREATE TABLE ... PARTITION OF would wait for it.
  const open = await database.pool.connect();
  try {
    await open.query("BEGIN");
    await ensurePartitions(database.pool, ["2024-01-01"]);
    await open.query(
      "INSERT INTO check_results (ts, site_id, agent_id, verdict) VALUES ('2024-01-01+00', 1, 1, 0)",
    );
    const days = Array.from({ length: 20 }, (_, n) => `2024-02-${String(n + 1).padStart(2, "0")}`);
    const made = await Promise.all(
      [0, 1, 2, 3].map((n) => ensurePartitions(database.pool, n % 2 ? days : days.toReversed())),
    );
    assertEquals(made.reduce((sum, each) => sum + each, 0), 40);
  } finally {
    await open.query("ROLLBACK");
    open.release();
  }
});

Deno.test("storeBatch() by several at once makes the partitions that it needs, under load", async () => {
  await using database = await ownDatabase({ max: 8 });
  const outcomes = await Promise.all([0, 1, 2, 3].map(async (partition) => {
    const source = { ...SOURCE, partition };
    const store = new OwnStore(database.pool, { log: recordingLog() });
    await store.readOffset(source);
    let inserted = 0;
    for (let batch = 0; batch < 5; batch++) {
      // Ten results on each of twelve days that no batch before had.
      const messages = Array.from(
        { length: 120 },
        (_, n) =>
          result((batch * 12 + n % 12) * 86_400 + n, {
            url: `https://${partition}.example/`,
            agentUUID: AGENT,
          }),
      );
      const outcome = await store.storeBatch(
        source,
        records(batch * 120, messages),
        BigInt(batch * 120),
      );
      if (outcome.kind === "stored") inserted += outcome.inserted;
    }
    return inserted;
  }));
  assertEquals(outcomes, [600, 600, 600, 600]);
  const days = await database.value(
    "SELECT count(DISTINCT tableoid)::int FROM check_results",
  );
  assertEquals(days, 60);
});

Deno.test("ensurePartitionsAhead() covers yesterday to seven days ahead of the clock", async () => {
  await using database = await ownDatabase();
  const clock = new FakeClock({ wall: Date.UTC(2025, 0, 1, 12) });
  const store = new OwnStore(database.pool, { log: recordingLog(), clock });
  assertEquals(await store.ensurePartitionsAhead(), 18);
  const made = await database.rows(PARTITIONS, ["check_results_p202%"]);
  assertEquals([made[0].name, made[8]?.name], [
    "check_results_p20241231",
    "check_results_p20250108",
  ]);
});

Deno.test("mon_daily is read by index where it is asked for a time", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `SELECT httpmon_ensure_partitions('{2024-05-01}');
     INSERT INTO check_results (ts, site_id, agent_id, verdict)
     SELECT timestamptz '2024-05-01+00' + n * interval '1 ms', 1, 1, 0
     FROM generate_series(1, 50000) n;
     ANALYZE check_results`,
  );
  const plan = (await database.rows(
    "EXPLAIN SELECT * FROM mon_daily WHERE ts BETWEEN '2024-05-01 00:00:40' AND '2024-05-01 00:00:41'",
  )).map((row) => row["QUERY PLAN"]).join("\n");
  assert(plan.includes("Bitmap Index Scan on check_results_p20240501_ts"), plan);
});

Deno.test("storeBatch() takes results of very many days, a few transactions at a time", async () => {
  await using database = await ownDatabase();
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  const count = 400;
  const first = BigInt(Date.UTC(2024, 0, 1)) * 1000n;
  const batch = records(
    0,
    Array.from(
      { length: count },
      (_, n) => result(n, { ts: formatTimestamp(first + BigInt(n) * 86_400_000_000n) }),
    ),
  );
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.nextOffset], [
    count,
    BigInt(count),
  ]);
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), count);
});

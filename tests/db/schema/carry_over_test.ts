import { assert, assertEquals, assertRejects } from "@std/assert";
import { migrate } from "../../../db/schema/migrate.ts";
import { SchemaError } from "../../../db/schema/schema_error.ts";
import { recordingLog } from "../../support/recording_log.ts";
import {
  AGENT,
  type OwnDatabase,
  ownDatabase,
  OwnStore,
  record,
  result,
  SOURCE,
} from "../fixture.ts";

const OLDER_COLUMNS = `ts timestamp, agent uuid, url varchar(2048), regexresult boolean,
  responsecode int, responsetime int, errormessage varchar(256)`;

function run({ dsn }: OwnDatabase) {
  return migrate(dsn, { log: recordingLog() });
}

/** A database with the older program's table, filled by `inserts`. */
async function olderDatabase(inserts: string, columns = OLDER_COLUMNS): Promise<OwnDatabase> {
  const database = await ownDatabase({ empty: true });
  await database.rows(`CREATE TABLE mon_daily (${columns}); ${inserts}`);
  return database;
}

Deno.test("migrate() carries every row of the older table over, as it was", async () => {
  await using database = await olderDatabase(
    `INSERT INTO mon_daily
     SELECT timestamp '2023-11-20 08:00:00.000777' + n * interval '473 seconds',
       ('00000000-0000-0000-0000-00000000000' || n % 3)::uuid,
       'https://' || n % 500 || '.example/' || repeat('x', n % 50),
       CASE n % 3 WHEN 0 THEN NULL ELSE n % 3 = 1 END,
       CASE WHEN n % 10 = 0 THEN NULL ELSE 200 + n % 350 END,
       CASE WHEN n % 77 = 0 THEN NULL ELSE n END,
       CASE WHEN n % 10 = 0 THEN repeat('é', 256) END
     FROM generate_series(1, 200000) AS n`,
  );
  const progress: number[] = [];
  const total = 200_000;
  const { carriedOver } = await migrate(database.dsn, {
    log: recordingLog(),
    onProgress: ({ done, total: of }) => {
      assertEquals(of, total);
      progress.push(done);
    },
  });
  assertEquals(carriedOver, total);
  assert(progress.length > 3);
  assertEquals([progress, progress.at(-1)], [progress.toSorted((a, b) => a - b), total]);
  // As many rows, and none that was not there: the same rows.
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), total);
  const different = await database.value(
    `SELECT count(*)::int FROM (
       SELECT * FROM mon_daily_before_httpmon EXCEPT ALL SELECT * FROM mon_daily
     ) AS differences`,
  );
  assertEquals(different, 0);
  // Few wide partitions up to today; by day from tomorrow on.
  const partitions = await database.rows(
    `SELECT DISTINCT tableoid::regclass::text AS name, length(tableoid::regclass::text) AS length
     FROM check_results WHERE ts < now() ORDER BY 1`,
  );
  assertEquals(
    partitions.map(({ name }) => name).slice(0, 3),
    ["check_results_p2023", "check_results_p2024", "check_results_p2025"],
  );
  assert(partitions.length <= new Date().getUTCFullYear() - 2022);
  assertEquals(
    await database.value(
      `SELECT count(*)::int FROM check_results WHERE verdict <>
         CASE WHEN response_code BETWEEN 200 AND 399 AND reason_id IS NULL THEN 0 ELSE 2 END`,
    ),
    0,
  );
  assertEquals((await run(database)).applied, []);
});

Deno.test("migrate() gives repeated rows the next free microsecond, so that the count stays", async () => {
  const at = (time: string, ms: number) =>
    `('2024-05-01 ${time}', '${AGENT}', 'https://a.example/', true, 200, ${ms}, NULL)`;
  await using database = await olderDatabase(
    `INSERT INTO mon_daily VALUES
       ${at("10:00:00.000000", 1)}, ${at("10:00:00.000001", 2)}, ${at("10:00:00.000000", 3)},
       ${at("10:00:00.000000", 4)}, ${at("10:00:00.000001", 5)}, ${at("10:00:00.000005", 6)},
       ('2024-12-31 23:59:59.999999', '${AGENT}', 'https://b.example/', true, 200, 7, NULL),
       ('2024-12-31 23:59:59.999999', '${AGENT}', 'https://b.example/', true, 200, 8, NULL);
     -- Across chunks, thousands of one identity and each of thousands twice.
     INSERT INTO mon_daily SELECT '2024-06-01', '${AGENT}', 'https://c.example/', true, 200, n, NULL
     FROM generate_series(1, 3000) n;
     INSERT INTO mon_daily
     SELECT timestamp '2024-07-01' + n * interval '1 s', '${AGENT}',
       'https://d.example/' || repeat('y', 900), true, 200, n, NULL
     FROM generate_series(1, 20000) n, generate_series(1, 2)`,
  );
  const { carriedOver } = await run(database);
  assertEquals(carriedOver, 43_008);
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), 43_008);
  const a = await database.rows(
    "SELECT to_char(ts, 'US')::int AS us, responsetime AS ms FROM mon_daily WHERE url LIKE '%a.%' ORDER BY ts",
  );
  // Rows that were first of their time stay where they were.
  assertEquals(a.filter(({ us }) => us < 2).map(({ ms }) => ms), [1, 2]);
  assertEquals(a.find(({ us }) => us === 5).ms, 6);
  assertEquals(a.map(({ ms }) => ms).sort(), [1, 2, 3, 4, 5, 6]);
  assertEquals(Math.max(...a.map(({ us }) => us)) < 8, true);
  assertEquals(
    await database.rows(
      "SELECT ts::text, responsetime AS ms FROM mon_daily WHERE url LIKE '%b.%' ORDER BY ts",
    ),
    [{ ts: "2024-12-31 23:59:59.999999", ms: 7 }, { ts: "2025-01-01 00:00:00", ms: 8 }],
  );
  assertEquals(
    await database.value(
      "SELECT count(DISTINCT responsetime)::int FROM mon_daily WHERE url LIKE '%c.%'",
    ),
    3000,
  );
  assertEquals(
    await database.value("SELECT max(ts)::text FROM mon_daily WHERE url LIKE '%c.%'"),
    "2024-06-01 00:00:00.002999",
  );
});

Deno.test("migrate() sets rows without an identity aside as dead letters", async () => {
  await using database = await olderDatabase(
    `INSERT INTO mon_daily (id, ts, agent, url, responsecode) VALUES
       (1, NULL, '${AGENT}', 'https://a.example/', 200), (2, '2024-05-01', NULL, 'https://a.example/', 200),
       (3, '2024-05-01', '${AGENT}', NULL, 200), (4, 'infinity', '${AGENT}', 'https://a.example/', 200),
       (5, '2024-05-01 BC', '${AGENT}', 'https://a.example/', 200),
       (6, '2024-05-01', '${AGENT}', 'https://a.example/', 200),
       (7, NULL, NULL, NULL, NULL), (8, NULL, NULL, NULL, NULL);
     CREATE INDEX mon_daily_ts ON mon_daily (ts)`,
    `id serial PRIMARY KEY, ${OLDER_COLUMNS}`,
  );
  assertEquals((await run(database)).carriedOver, 8);
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), 1);
  const letters = await database.rows(
    "SELECT topic, reason, convert_from(value, 'UTF8')::json AS row FROM dead_letters ORDER BY \"offset\"",
  );
  assertEquals(letters.map(({ row }) => row.id), [1, 2, 3, 4, 5, 7, 8]);
  assertEquals(letters[0], {
    topic: "mon_daily_before_httpmon",
    reason: "missing_field",
    row: {
      id: 1,
      ts: null,
      agent: AGENT,
      url: "https://a.example/",
      regexresult: null,
      responsecode: 200,
      responsetime: null,
      errormessage: null,
    },
  });
});

Deno.test("migrate() puts the older table's far future into daily partitions", async () => {
  await using database = await olderDatabase(
    `INSERT INTO mon_daily VALUES ('2199-12-31 12:00', '${AGENT}', 'https://a.example/'),
       ('9999-12-31 23:59:59', '${AGENT}', 'https://a.example/'),
       ('0001-01-01', '${AGENT}', 'https://a.example/')`,
  );
  await run(database);
  assertEquals(
    await database.rows("SELECT tableoid::regclass::text AS name FROM check_results ORDER BY ts"),
    [
      { name: "check_results_p0001" },
      { name: "check_results_p21991231" },
      { name: "check_results_p99991231" },
    ],
  );
});

Deno.test("migrate() lets those read the view who could read the older table", async () => {
  await using database = await olderDatabase("");
  const role = `reader_${crypto.randomUUID().slice(0, 8)}`;
  await database.rows(`CREATE ROLE "${role}"; GRANT SELECT ON mon_daily TO "${role}"`);
  try {
    await run(database);
    assertEquals(
      await database.value("SELECT has_table_privilege($1, 'mon_daily', 'SELECT')", [role]),
      true,
    );
    assertEquals(
      await database.value("SELECT has_table_privilege($1, 'mon_daily', 'INSERT')", [role]),
      false,
    );
  } finally {
    await database.rows(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
  }
});

Deno.test("a topic read again after the carry-over brings duplicates, not dead letters", async () => {
  await using database = await olderDatabase(
    `INSERT INTO mon_daily VALUES
       ('2024-05-01 10:00:00.25', '${AGENT}', 'https://a.example/', false, 200, 12, NULL),
       ('2024-05-01 10:01:00', '${AGENT}', 'https://a.example/', NULL, NULL, 3000, 'Timed out')`,
  );
  await run(database);
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  const older = { url: "https://a.example/", verdict: undefined };
  const outcome = await store.storeBatch(SOURCE, [
    record(
      0,
      result(0, {
        ...older,
        ts: "2024-05-01 10:00:00.250000",
        regexResult: false,
        responseTime: 12.34,
      }),
    ),
    record(
      1,
      result(0, {
        ...older,
        ts: "2024-05-01 10:01:00",
        regexResult: null,
        responseCode: null,
        responseTime: 2999.7,
        errorMessage: "Timed out",
      }),
    ),
  ], 0n);
  assertEquals(outcome.kind === "stored" && [outcome.duplicates, outcome.deadLetters], [2, 0]);
});

Deno.test("migrate() leaves a mon_daily alone that is not the older program's table", async () => {
  const cases: [setup: string, message: string][] = [
    ["CREATE VIEW mon_daily AS SELECT 1 AS ts", "it is not a plain table"],
    [
      `CREATE TABLE mon_daily (${OLDER_COLUMNS}) PARTITION BY RANGE (ts)`,
      "it is not a plain table",
    ],
    [
      `CREATE TABLE base (${OLDER_COLUMNS}); CREATE TABLE mon_daily () INHERITS (base)`,
      "it is not a plain table",
    ],
    ["CREATE TABLE mon_daily (ts timestamp)", 'it has no column "agent"'],
    [`CREATE TABLE mon_daily (${OLDER_COLUMNS}, price money)`, 'unknown column "price"'],
    [
      `CREATE TABLE mon_daily (${OLDER_COLUMNS.replace("agent uuid", "agent text")})`,
      'column "agent": expected uuid, found text',
    ],
  ];
  await using database = await ownDatabase({ empty: true });
  for (const [setup, message] of cases) {
    await database.rows(`CREATE SCHEMA IF NOT EXISTS public; ${setup}`);
    const expected = `"mon_daily" is there, but is not the older program's table: ${message}; `;
    await assertRejects(() => run(database), SchemaError, expected);
    assertEquals(await database.value("SELECT to_regclass('check_results')"), null);
    assertEquals(await database.value("SELECT to_regclass('mon_daily')::text"), "mon_daily");
    await database.rows("DROP SCHEMA public CASCADE");
  }
  await database.rows(
    `CREATE SCHEMA public; CREATE TABLE mon_daily_before_httpmon (id int);
     CREATE TABLE mon_daily (${OLDER_COLUMNS})`,
  );
  await assertRejects(() => run(database), SchemaError, "but that name is taken");
});

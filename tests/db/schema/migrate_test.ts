import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readdir } from "node:fs/promises";
import { waitFor } from "../../../local/wait.ts";
import { migrate, type MigrateOptions } from "../../../db/schema/migrate.ts";
import { migrationFiles } from "../../../db/schema/migrations/index.ts";
import { partitionDays } from "../../../db/schema/partitions.ts";
import { createPool } from "../../../db/connect/pool.ts";
import { SchemaError } from "../../../db/schema/schema_error.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type OwnDatabase, ownDatabase } from "../fixture.ts";

const TABLES = `SELECT relname AS name FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') ORDER BY 1`;

function run({ dsn }: OwnDatabase, options: Partial<MigrateOptions> = {}) {
  return migrate(dsn, { log: recordingLog(), ...options });
}

Deno.test("migrationFiles() gives every file of the folder, in order of their numbers", async () => {
  const folder = new URL("../../../db/schema/migrations/", import.meta.url);
  const expected = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const files = await migrationFiles();
  assertEquals(files.map(({ name }) => name), expected);
  for (const [index, { name, sql }] of files.entries()) {
    assert(name.startsWith(`${String(index + 1).padStart(6, "0")}_`), name);
    assert(sql.length > 0);
  }
});

Deno.test("migrate() makes the tables, and partitions from yesterday to seven days ahead", async () => {
  await using database = await ownDatabase({ empty: true });
  const now = Date.now();
  const result = await run(database);
  const files = await migrationFiles();
  assertEquals(result, {
    applied: files.map(({ name }) => name),
    carriedOver: null,
    partitions: 18,
  });
  const days = partitionDays(now, -1, 7).map((day) => day.replaceAll("-", ""));
  assertEquals(
    (await database.rows(TABLES)).map(({ name }) => name),
    [
      "agent_states",
      "agents",
      "alert_clocks",
      "alert_events",
      "alert_rounds",
      "certificates",
      "channels",
      "check_results",
      ...days.map((day) => `check_results_p${day}`),
      "connections",
      "consumer_offsets",
      "contexts",
      "dead_letters",
      "dropping",
      "evidence",
      ...days.map((day) => `evidence_p${day}`),
      "incident_notes",
      "incidents",
      "mon_daily",
      "notifications",
      "reasons",
      "reports",
      "results",
      "retention",
      "rollup_daily",
      "rollup_hourly",
      "rollup_marks",
      "rollup_monthly",
      "rollup_pending",
      "rollup_revision",
      "schema_migrations",
      "silences",
      "site_certificates",
      "site_states",
      "site_votes",
      "sites",
      "verdict_changes",
      "verdict_last",
    ],
  );
  assertEquals(await run(database), { applied: [], carriedOver: null, partitions: 0 });
});

Deno.test("migrate() by five at once applies each migration once", async () => {
  await using database = await ownDatabase({ empty: true });
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => run(database)));
  const files = await migrationFiles();
  assertEquals(results.flatMap(({ applied }) => applied).sort(), files.map(({ name }) => name));
  assertEquals(results.reduce((sum, { partitions }) => sum + partitions, 0), 18);
});

Deno.test("migrate() waits for another one, and says so once", async () => {
  await using database = await ownDatabase({ empty: true });
  let waits = 0;
  const other = await database.pool.connect();
  await other.query("BEGIN");
  // "httpmon" in ASCII.
  await other.query("SELECT pg_advisory_xact_lock(x'687474706d6f6e'::int8)");
  const running = run(database, { onWait: () => waits++ });
  await waitFor("the wait to be told", () => waits > 0, 60_000);
  assertEquals(await database.value("SELECT to_regclass('check_results')"), null);
  await other.query("COMMIT");
  other.release();
  assertEquals((await running).applied.length, (await migrationFiles()).length);
  assertEquals(waits, 1);
});

Deno.test("migrate() applies new migrations on top, and leaves nothing of one that fails", async () => {
  await using database = await ownDatabase();
  const files = await migrationFiles();
  const added = { name: "000901_more.sql", sql: "CREATE TABLE more (id int)" };
  const broken = { name: "000902_broken.sql", sql: "CREATE TABLE most (id int); SELECT 1/0" };
  const error = await assertRejects(
    () => run(database, { files: [...files, added, broken] }),
    SchemaError,
    'The migration "000902_broken.sql" failed: division by zero',
  );
  assertEquals((error as Error & { cause: { code: string } }).cause.code, "22012");
  assertEquals(await database.value("SELECT to_regclass('more')::text"), "more");
  assertEquals(await database.value("SELECT to_regclass('most')"), null);
  const mended = { ...broken, sql: "CREATE TABLE most (id int)" };
  const { applied } = await run(database, { files: [...files, added, mended] });
  assertEquals(applied, [mended.name]);
});

Deno.test("migrate() refuses a migration that was changed after it was applied", async () => {
  await using database = await ownDatabase();
  const [first, ...rest] = await migrationFiles();
  const changed = { name: first!.name, sql: `${first!.sql}\n-- changed` };
  await assertRejects(
    () => run(database, { files: [changed, ...rest] }),
    SchemaError,
    `The migration "${first!.name}" was changed after it was applied to this database`,
  );
  const otherLineEnds = { name: first!.name, sql: first!.sql.replaceAll("\n", "\r\n") };
  assertEquals((await run(database, { files: [otherLineEnds, ...rest] })).applied, []);
});

Deno.test("migrate() refuses a database that a later version has upgraded", async () => {
  await using database = await ownDatabase();
  await database.rows(
    "INSERT INTO schema_migrations VALUES ('000777_later.sql', 'hash', 1, now())",
  );
  await assertRejects(
    () => run(database),
    SchemaError,
    'The database has the migration "000777_later.sql", which this version of httpmon does not know',
  );
});

Deno.test("migrate() leaves a database alone that has other tables of these names", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows("CREATE TABLE agents (code_name text)");
  const error = await assertRejects(() => run(database), SchemaError);
  assertStringIncludes(error.message, 'relation "agents" already exists: it is not httpmon\'s');
  assertEquals((await database.rows(TABLES)).map(({ name }) => name), ["agents"]);
});

Deno.test("migrate() refuses a database whose encoding is not UTF8, and changes nothing", async () => {
  await using server = await ownDatabase({ empty: true });
  const name = `test_latin1_${crypto.randomUUID().slice(0, 8)}`;
  await server.rows(
    `CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  const dsn = new URL(server.dsn);
  dsn.pathname = `/${name}`;
  const log = recordingLog();
  const pool = createPool(dsn.href, { max: 1, applicationName: "httpmon-test", log });
  try {
    await assertRejects(
      () => migrate(dsn.href, { log }),
      SchemaError,
      'The database\'s encoding is "LATIN1", which cannot hold every text',
    );
    assertEquals((await pool.query(TABLES)).rows, []);
  } finally {
    await pool.end();
    await server.rows(`DROP DATABASE ${name} WITH (FORCE)`);
  }
});

Deno.test("mon_daily has exactly the contract's columns and types", async () => {
  await using database = await ownDatabase();
  const columns = await database.rows(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = 'mon_daily'::regclass AND attnum > 0 ORDER BY attnum`,
  );
  assertEquals(columns.map(({ name, type }) => `${name} ${type}`), [
    "ts timestamp without time zone",
    "agent uuid",
    "url character varying(2048)",
    "regexresult boolean",
    "responsecode integer",
    "responsetime integer",
    "errormessage character varying(256)",
  ]);
});

Deno.test("mon_daily shows every row, whatever is in it", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `SET timezone = 'Asia/Kathmandu';
     SELECT httpmon_ensure_partitions('{2026-05-01}');
     INSERT INTO agents (identity) VALUES ('00000000-0000-0000-0000-000000000001');
     INSERT INTO sites (url) VALUES (repeat('ä', 3000));
     INSERT INTO reasons (error_message, identity) VALUES (repeat('ö', 300), gen_random_uuid());
     INSERT INTO check_results (ts, response_time, site_id, agent_id, verdict, reason_id)
     SELECT timestamptz '2026-05-01 10:00:00.000001+00' + n * interval '1 s', ms, 1, 1, 0, 1
     FROM unnest('{1.5,NaN,Infinity,-Infinity,1e30,-1e30,NULL}'::float4[])
       WITH ORDINALITY AS t(ms, n);
     INSERT INTO check_results (ts, site_id, agent_id, verdict)
     VALUES ('2026-05-01 11:00+00', 99, 99, 0)`,
  );
  const rows = await database.rows(
    `SELECT ts::text, agent, length(url) AS url, responsetime, length(errormessage) AS error
     FROM mon_daily ORDER BY ts`,
  );
  assertEquals(rows[0], {
    ts: "2026-05-01 10:00:01.000001",
    agent: "00000000-0000-0000-0000-000000000001",
    url: 2048,
    responsetime: 2,
    error: 256,
  });
  const [most, least] = [2 ** 31 - 1, -(2 ** 31)];
  assertEquals(
    rows.map(({ responsetime }) => responsetime),
    [2, most, most, least, most, least, null, null],
  );
  assertEquals(rows.at(-1)?.agent, null);
});

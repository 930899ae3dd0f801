import { assert, assertEquals, assertRejects } from "@std/assert";
import { migrate, type MigrateOptions } from "../../../db/schema/migrate.ts";
import { migrationFiles } from "../../../db/schema/migrations/index.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

/** Fills a column in, some rows at a time, and then makes an index that holds no writer up. */
const BACKFILL = {
  name: "000901_backfill.sql",
  sql: `-- resumable
-- What it is for.
-- step
INSERT INTO noted VALUES ('begun')
-- step: repeat
UPDATE many SET filled = n WHERE n IN (SELECT n FROM many WHERE filled IS NULL LIMIT 100)
-- step
DROP INDEX IF EXISTS many_filled
-- step
CREATE INDEX CONCURRENTLY many_filled ON many (filled)
-- step
INSERT INTO noted VALUES ('done')
`,
};

async function withMany(): Promise<OwnDatabase> {
  const database = await ownDatabase();
  await database.rows(
    `CREATE TABLE noted (what text);
     CREATE TABLE many AS SELECT n, NULL::int AS filled FROM generate_series(1, 1000) AS n`,
  );
  return database;
}

async function run({ dsn }: OwnDatabase, options: Partial<MigrateOptions> = {}) {
  const files = options.files ?? [...await migrationFiles(), BACKFILL];
  return await migrate(dsn, { log: recordingLog(), ...options, files });
}

const KILL = `SELECT count(pg_terminate_backend(pid))::int AS killed FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'httpmon-init-schema'`;
const NOTED = "SELECT what FROM noted";
const STEPS = `SELECT steps, applied_at IS NOT NULL AS applied FROM schema_migrations
  WHERE name = '${BACKFILL.name}'`;

Deno.test("migrate() runs the steps of a resumable migration, and tells how far it is", async () => {
  await using database = await withMany();
  const progress: unknown[] = [];
  const { applied } = await run(database, { onProgress: (each) => progress.push(each) });
  assertEquals(applied, [BACKFILL.name]);
  assertEquals(progress.length, 11);
  assertEquals(progress[4], { done: 500, total: null });
  assertEquals(await database.value("SELECT count(*)::int FROM many WHERE filled = n"), 1000);
  assertEquals(
    await database.value(
      "SELECT indisvalid FROM pg_index WHERE indexrelid = 'many_filled'::regclass",
    ),
    true,
  );
  assertEquals(await database.rows(STEPS), [{ steps: 5, applied: true }]);
  assertEquals((await run(database)).applied, []);
  assertEquals(await database.rows(NOTED), [{ what: "begun" }, { what: "done" }]);
});

Deno.test("migrate() goes on with the step at which another one was killed", async () => {
  await using database = await withMany();
  await assertRejects(() =>
    run(database, {
      onProgress: async ({ done }) => {
        if (done === 300) await database.rows(KILL);
      },
    })
  );
  assertEquals(await database.value("SELECT count(*)::int FROM many WHERE filled = n"), 300);
  assertEquals(await database.rows(STEPS), [{ steps: 1, applied: false }]);
  // Two at once: one goes on, the other one waits and finds it done.
  const results = await Promise.all([run(database), run(database)]);
  assertEquals(results.flatMap(({ applied }) => applied), [BACKFILL.name]);
  assertEquals(await database.value("SELECT count(*)::int FROM many WHERE filled = n"), 1000);
  assertEquals(await database.rows(NOTED), [{ what: "begun" }, { what: "done" }]);
});

Deno.test("migrate() makes an index again whose making failed half way", async () => {
  await using database = await withMany();
  const unique = { ...BACKFILL, sql: BACKFILL.sql.replace("CREATE INDEX", "CREATE UNIQUE INDEX") };
  await database.rows("INSERT INTO many VALUES (7, 7)");
  const files = [...await migrationFiles(), unique];
  await assertRejects(() => run(database, { files }), Error, "could not create unique index");
  await database.rows("DELETE FROM many WHERE ctid = (SELECT max(ctid) FROM many WHERE n = 7)");
  // The step behind which it failed left an invalid index: the one before it drops that, once told so.
  await database.rows(`UPDATE schema_migrations SET steps = 2 WHERE name = '${unique.name}'`);
  assertEquals((await run(database, { files })).applied, [unique.name]);
  assertEquals(
    await database.value(
      "SELECT indisvalid FROM pg_index WHERE indexrelid = 'many_filled'::regclass",
    ),
    true,
  );
});

Deno.test("migrate() carries the older table over, however often it is killed", async () => {
  await using database = await ownDatabase({ empty: true });
  const total = 300_000;
  await database.rows(
    `CREATE TABLE mon_daily (ts timestamp, agent uuid, url varchar(2048), regexresult boolean,
       responsecode int, responsetime int, errormessage varchar(256));
     INSERT INTO mon_daily SELECT timestamp '2024-05-01' + n / 2 * interval '1 minute',
       '00000000-0000-0000-0000-000000000001', 'https://' || n % 7 || '.example/', true, 200, n, NULL
     FROM generate_series(1, ${total}) AS n`,
  );
  const files = await migrationFiles();
  const seen: number[] = [];
  for (let kills = 0; kills < 3; kills++) {
    await assertRejects(() =>
      run(database, {
        files,
        onProgress: async ({ done }) => {
          seen.push(done);
          await database.rows(KILL);
        },
      })
    );
  }
  const { carriedOver } = await run(database, { files });
  assertEquals(carriedOver, total);
  assert(seen[0]! > 0);
  assertEquals(
    await database.value(
      `SELECT count(*)::int FROM (
         SELECT * FROM mon_daily_before_httpmon EXCEPT ALL SELECT * FROM mon_daily
       ) AS differences`,
    ),
    0,
  );
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), total);
});

Deno.test("migrations on top of the store's wait for no writer, and so hold none up", async () => {
  await using database = await ownDatabase({ empty: true });
  const files = await migrationFiles();
  const index = files.findIndex(({ name }) => name === "000004_store.sql");
  await run(database, { files: files.slice(0, index + 1) });
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  // A writer in the middle of a batch: it has written wherever a writer writes.
  const writer = await database.pool.connect();
  try {
    await writer.query("BEGIN");
    await writer.query(
      `INSERT INTO check_results SELECT (r).* FROM (
         SELECT jsonb_populate_record(r, '{"ts": "2026-05-01 01:00+00"}') AS r FROM check_results AS r
       ) AS other`,
    );
    for (const table of ["agents", "sites", "contexts", "connections", "reasons", "certificates"]) {
      await writer.query(`UPDATE ${table} SET last_seen = last_seen`);
    }
    await writer.query(
      `UPDATE consumer_offsets SET updated_at = now();
       INSERT INTO rollup_marks VALUES (now(), '{1}');
       INSERT INTO dead_letters (cluster_id, topic, partition, "offset", reason, detail)
         VALUES ('', '', 0, 0, '', '')`,
    );
    const { applied } = await run(database, { files });
    assertEquals(applied, files.slice(index + 1).map(({ name }) => name));
    const { rows } = await writer.query("SELECT count(*)::int FROM check_results");
    assertEquals(rows, [{ count: 2 }]);
  } finally {
    writer.release(true);
  }
});

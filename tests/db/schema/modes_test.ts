import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import process from "node:process";
import { initSchemaMode } from "../../../db/schema/init_schema_mode.ts";
import { migrationFiles } from "../../../db/schema/migrations/index.ts";
import { waitFor } from "../../../local/wait.ts";
import { modeHere } from "../../support/program/mode_here.ts";
import { encode } from "../../../wire/encode.ts";
import { ownDatabase, result } from "../fixture.ts";
import { httpmon } from "../run_mode.ts";

Deno.test("init-schema makes the tables, says so, and has nothing to do the next time", async () => {
  await using database = await ownDatabase({ empty: true });
  const first = await httpmon(database.dsn, ["init-schema"]);
  assertEquals([first.code, first.stderr], [0, ""]);
  assertEquals(
    first.stdout,
    (await migrationFiles()).map(({ name }) => `Applied ${name}\n`).join("") +
      "Made 18 daily partitions\n",
  );
  const second = await httpmon(database.dsn, ["init-schema"]);
  assertEquals(second, { code: 0, stdout: "The tables are up to date\n", stderr: "" });
});

Deno.test("init-schema tells what a person must decide, on one line", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows("CREATE VIEW mon_daily AS SELECT 1 AS ts");
  const refused = await httpmon(database.dsn, ["init-schema"]);
  assertEquals(refused, {
    code: 1,
    stdout: "",
    stderr: 'httpmon: "mon_daily" is there, but is not the older program\'s table: it is not a ' +
      "plain table; nothing was changed, rename it or use another database\n",
  });
});

Deno.test("init-schema says how many results of the older program it carried over", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows(
    `CREATE TABLE mon_daily (ts timestamp, agent uuid, url varchar(2048), regexresult boolean,
       responsecode int, responsetime int, errormessage varchar(256));
     INSERT INTO mon_daily SELECT '2026-05-01', gen_random_uuid(), 'https://a.example/', true, 200, 5
     FROM generate_series(1, 3)`,
  );
  const { code, stdout, stderr } = await modeHere(initSchemaMode, ["init-schema"], {
    database: { dsn: database.dsn },
  });
  assertEquals(code, 0);
  assertStringIncludes(stderr, "Carrying over the older program's results: 3 of 3\n");
  assertStringIncludes(
    stdout,
    'Carried over 3 results; the older table is kept as "mon_daily_before_httpmon"\n',
  );
});

Deno.test("init-schema stops when asked to, and undoes the migration under way", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows(
    `CREATE TABLE mon_daily (ts timestamp, agent uuid, url varchar(2048), regexresult boolean,
       responsecode int, responsetime int, errormessage varchar(256))`,
  );
  // A reader keeps the older table from being renamed, so that the migration waits.
  const reader = await database.pool.connect();
  await reader.query("BEGIN; SELECT FROM mon_daily");
  const waiting = `SELECT count(*)::int FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  try {
    const ended = await httpmon(database.dsn, ["init-schema"], {
      async meanwhile(child) {
        const isWaiting = async () => await database.value(waiting) === 1;
        await waitFor("the migration to wait", isWaiting, 60_000);
        // Not child.kill(): after it, Deno tells the signal and no exit code, whatever comes.
        process.kill(child.pid!, "SIGTERM");
      },
    });
    assertEquals(ended, {
      code: 1,
      stdout: "",
      stderr: "httpmon: Stopped before it was done; run it again to go on\n",
    });
  } finally {
    reader.release(true);
  }
  assertEquals(await database.value("SELECT to_regclass('check_results')"), null);
});

Deno.test("a mode says on one line that the database cannot be reached", async () => {
  const dsn = "postgres://me:s3cret@127.0.0.1:9/db";
  const input = encode(result(1));
  const modes = ["init-schema", "dbdump", "report", "maintain", "replay", "restore", "silence"];
  for (const args of [...modes.map((mode) => [mode]), ["web", "--export", "."]]) {
    const { code, stdout, stderr } = await httpmon(dsn, args, { input });
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, "httpmon: Cannot reach the database: connect ECONNREFUSED");
    assertEquals(stderr.split("\n").filter((line) => !line.includes('"level":"notice"')).length, 2);
    assert(!stderr.includes("s3cret"));
  }
});

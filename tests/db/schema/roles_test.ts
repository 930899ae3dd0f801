import { assert, assertEquals, assertRejects } from "@std/assert";
import { withClient } from "../../../db/connect/transaction.ts";
import { freeze, monthOf, reportOf } from "../../../db/report/figures.ts";
import { replay } from "../../../db/restore/replay.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { ResultStore } from "../../../db/store/store.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { fullMessage } from "../../wire/full_message.ts";
import { ownDatabase, OwnStore, record, records, result, SOURCE } from "../fixture.ts";
import { testRoles } from "../roles.ts";

Deno.test("each role of roles.sql can do its own work on the owner's tables, and no other's", async () => {
  await using database = await ownDatabase({ empty: true });
  await using roles = await testRoles(database);
  const log = recordingLog();
  const today = new Date().toISOString().slice(0, 10);
  const partition = `check_results_p${today.replaceAll("-", "")}`;
  const pools = {
    owner: roles.poolOf("owner"),
    writer: roles.poolOf("writer"),
    reader: roles.poolOf("reader"),
    maintainer: roles.poolOf("maintainer"),
  };
  const mayNot = async (role: keyof typeof pools, ...statements: string[]) => {
    for (const sql of statements) {
      const error = await assertRejects(() => pools[role].query(sql), Error, undefined, sql);
      assertEquals((error as { code?: string }).code, "42501", sql);
    }
  };
  try {
    await roles.grant("owner");
    await migrate(roles.dsnOf("owner"), { log });
    const store = new OwnStore(pools.writer, { log });
    await assertRejects(() => store.readOffset(SOURCE), Error, "permission denied");
    await mayNot("reader", "SELECT FROM results");
    // An upgrade runs it again.
    for (let run = 0; run < 2; run++) await roles.grant("owner", "writer", "reader", "maintainer");

    assertEquals(await store.readOffset(SOURCE), null);
    await store.ensurePartitionsAhead();
    // Days without partitions, new sites, a dead letter, a taken identity, a duplicate.
    const batch = records(0, [
      result(1),
      result(86_400),
      result(1),
      result(1, { reason: "x" }),
      fullMessage(),
      result(1, { ts: `${today} 00:00:00`, url: "https://today.example/" }),
    ]);
    const outcome = await store.storeBatch(SOURCE, [...batch, record(6, null)], 0n);
    assertEquals(outcome, {
      kind: "stored",
      inserted: 4,
      duplicates: 1,
      deadLetters: 2,
      expired: 0,
      skipped: 0,
      nextOffset: 7n,
    });
    assertEquals(await store.moveOffset(SOURCE, 7n, 0n), true);
    // Rows that were last seen yesterday are seen again.
    await pools.owner.query("UPDATE sites SET last_seen = last_seen - 1");
    await store.storeBatch(SOURCE, batch, 0n);
    assertEquals(
      await database.value(
        "SELECT count(*)::int FROM sites WHERE last_seen < now() - interval '1 day'",
      ),
      0,
    );
    await mayNot(
      "writer",
      "DELETE FROM check_results",
      "UPDATE check_results SET verdict = 0",
      "DELETE FROM dead_letters",
      "DROP TABLE check_results",
      "CREATE TABLE mine (id int)",
      "DELETE FROM consumer_offsets",
      "DELETE FROM evidence",
      "DELETE FROM rollup_marks",
      "UPDATE retention SET keep_days = 1",
      "UPDATE certificates SET serial = 'x'",
      "UPDATE connections SET verified = true",
      "DELETE FROM site_certificates",
      "SELECT httpmon_ensure_partitions_of('evidence', '{2024-01-01}')",
    );

    for (const relation of ["results", "mon_daily", "dead_letters"]) {
      const { rows } = await pools.reader.query(`SELECT count(*)::int AS count FROM ${relation}`);
      assert(rows[0].count > 0, relation);
    }
    const { rows } = await pools.reader.query(
      "SELECT verdict FROM httpmon_results('https://today.example/', now() - interval '2 days', now(), 5)",
    );
    assertEquals(rows, [{ verdict: "up" }]);
    const october = monthOf("2026-10", Date.UTC(2026, 11));
    const [site] =
      (await pools.reader.query("SELECT id, url AS site, url FROM sites LIMIT 1")).rows;
    await withClient(pools.reader, (client) => reportOf(client, october, site));
    await pools.owner.query("CREATE TABLE added_later ()");
    await pools.reader.query("SELECT FROM added_later");
    await mayNot(
      "reader",
      "INSERT INTO retention VALUES ('raw', 1)",
      "DELETE FROM check_results",
      "UPDATE sites SET name = 'x'",
      "CREATE TABLE mine (id int)",
      "SELECT httpmon_ensure_partitions('{2024-01-01}')",
    );

    const { maintainer } = pools;
    await withClient(maintainer, (client) => freeze(client, october, site));
    assertEquals((await replay(maintainer, new ResultStore(maintainer, { log }), {})).failed, {
      key_taken: 1,
      null_value: 1,
    });
    await maintainer.query("SELECT httpmon_ensure_partitions('{2024-01-01}')");
    await maintainer.query(
      "UPDATE retention SET dropped_before = '2024-01-01'; DELETE FROM rollup_marks",
    );
    await maintainer.query(`ALTER TABLE check_results DETACH PARTITION ${partition} CONCURRENTLY`);
    await maintainer.query(`DROP TABLE ${partition}`);
    await mayNot("maintainer", "ALTER ROLE CURRENT_USER CREATEROLE", "CREATE DATABASE mine");
  } finally {
    for (const pool of Object.values(pools)) await pool.end();
  }
});

Deno.test("httpmon_ensure_partitions() is not fooled by its caller's search_path", async () => {
  await using database = await ownDatabase({ max: 1 });
  await database.rows(
    `CREATE SCHEMA trap;
     CREATE TABLE trap.check_results (ts timestamptz) PARTITION BY RANGE (ts);
     CREATE FUNCTION trap.to_char(timestamptz, text) RETURNS text LANGUAGE sql
       AS 'SELECT ''trapped''';
     SET search_path = trap, public`,
  );
  await database.rows("SELECT public.httpmon_ensure_partitions('{2024-05-01}')");
  assertEquals(
    await database.value(
      "SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = 'public.check_results_p20240501'::regclass",
    ),
    "public.check_results",
  );
});

Deno.test("httpmon_ensure_partitions() runs nothing that a writer put in the schema", async () => {
  await using database = await ownDatabase();
  await using roles = await testRoles(database);
  await roles.grant("writer");
  const role = roles.nameOf("writer");
  // As everyone may in PostgreSQL 14, unless the owner's part was run.
  await database.rows(`GRANT CREATE ON SCHEMA public TO ${role}`);
  const pool = roles.poolOf("writer", 1);
  try {
    const planted = [
      ["isempty(tstzmultirange)", "boolean", "false"],
      ["range_agg(tstzrange)", "tstzmultirange", "'{}'"],
      ["lower(tstzrange)", "timestamptz", "now()"],
      ["upper(tstzrange)", "timestamptz", "now()"],
      ["unnest(date[])", "SETOF date", "current_date"],
    ];
    for (const [signature, type, value] of planted as [string, string, string][]) {
      await pool.query(
        `CREATE FUNCTION public.${signature} RETURNS ${type} LANGUAGE plpgsql AS $$
         BEGIN
           EXECUTE 'ALTER ROLE ${role} SUPERUSER';
           RETURN ${type.startsWith("SETOF") ? "NEXT " : ""}${value};
         END $$`,
      );
    }
    await pool.query("SET search_path = public, pg_catalog");
    await pool.query("SELECT httpmon_ensure_partitions('{2024-05-05}')");
  } finally {
    await pool.end();
  }
  assertEquals(
    await database.value(`SELECT rolsuper FROM pg_roles WHERE rolname = '${role}'`),
    false,
  );
  assertEquals(
    await database.value(
      "SELECT count(*)::int FROM pg_class WHERE relname = 'check_results_p20240505'",
    ),
    1,
  );
});

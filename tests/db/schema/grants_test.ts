import { assertEquals, assertRejects } from "@std/assert";
import { grantWriter } from "../../../db/schema/grants.ts";
import { createPool } from "../../../db/connect/pool.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { fullMessage } from "../../wire/full_message.ts";
import { otherDsn, ownDatabase, OwnStore, record, records, result, SOURCE } from "../fixture.ts";

Deno.test("grantWriter() lets a role that owns nothing store batches, and change nothing", async () => {
  await using database = await ownDatabase();
  const role = `Writer "${crypto.randomUUID().slice(0, 8)}"`;
  const name = `"${role.replaceAll('"', '""')}"`;
  await database.rows(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  // As it is from PostgreSQL 15 on.
  await database.rows("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  const log = recordingLog();
  const pool = createPool(otherDsn(database.dsn, { user: role, password: "secret" }), {
    max: 2,
    applicationName: "httpmon-test",
    log,
  });
  try {
    const store = new OwnStore(pool, { log });
    await assertRejects(() => store.readOffset(SOURCE), Error, "permission denied");
    await grantWriter(database.pool, role);

    assertEquals(await store.readOffset(SOURCE), null);
    await store.ensurePartitionsAhead();
    // Days without partitions, new sites, a dead letter, a taken identity, a duplicate.
    const batch = records(0, [
      result(1),
      result(86_400),
      result(1),
      result(1, { reason: "x" }),
      fullMessage(),
    ]);
    const outcome = await store.storeBatch(SOURCE, [...batch, record(5, null)], 0n);
    assertEquals(outcome, {
      kind: "stored",
      inserted: 3,
      duplicates: 1,
      deadLetters: 2,
      expired: 0,
      skipped: 0,
      nextOffset: 6n,
    });
    assertEquals(await store.moveOffset(SOURCE, 6n, 0n), true);

    for (
      const sql of [
        "DELETE FROM check_results",
        "UPDATE check_results SET verdict = 0",
        "DELETE FROM dead_letters",
        "DROP TABLE check_results",
        "CREATE TABLE mine (id int)",
        "DELETE FROM consumer_offsets",
        "DELETE FROM evidence",
        "UPDATE certificates SET serial = 'x'",
        "UPDATE connections SET verified = true",
        "DELETE FROM site_certificates",
        "SELECT httpmon_ensure_partitions_of('evidence', '{2024-01-01}')",
      ]
    ) {
      await assertRejects(() => pool.query(sql), Error, undefined, sql);
    }
  } finally {
    await pool.end();
    await database.rows(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
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
  const role = `planter_${crypto.randomUUID().slice(0, 8)}`;
  await database.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  await grantWriter(database.pool, role);
  // As everyone may in PostgreSQL 14.
  await database.rows(`GRANT CREATE ON SCHEMA public TO ${role}`);
  const pool = createPool(otherDsn(database.dsn, { user: role, password: "secret" }), {
    max: 1,
    applicationName: "httpmon-test",
    log: recordingLog(),
  });
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
  try {
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
  } finally {
    await database.rows(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

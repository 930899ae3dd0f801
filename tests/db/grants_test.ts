import { assertEquals, assertRejects } from "@std/assert";
import { grantWriter } from "../../db/grants.ts";
import { createPool } from "../../db/pool.ts";
import { createStore } from "../../db/store.ts";
import { recordingLog } from "../support/recording_log.ts";
import { otherDsn, ownDatabase, record, records, result, SOURCE } from "./fixture.ts";

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
    const store = createStore(pool, { log });
    await assertRejects(() => store.readOffset(SOURCE), Error, "permission denied");
    await grantWriter(database.pool, role);

    assertEquals(await store.readOffset(SOURCE), null);
    await store.ensurePartitionsAhead();
    // Days without partitions, new sites, a dead letter, a taken identity, a duplicate.
    const batch = records(0, [result(1), result(86_400), result(1), result(1, { reason: "x" })]);
    const outcome = await store.storeBatch(SOURCE, [...batch, record(4, null)], 0n);
    assertEquals(outcome, {
      kind: "stored",
      inserted: 2,
      duplicates: 1,
      deadLetters: 2,
      skipped: 0,
      nextOffset: 5n,
    });
    assertEquals(await store.moveOffset(SOURCE, 5n, 0n), true);

    for (
      const sql of [
        "DELETE FROM check_results",
        "UPDATE check_results SET verdict = 0",
        "DELETE FROM dead_letters",
        "DROP TABLE check_results",
        "CREATE TABLE mine (id int)",
        "DELETE FROM consumer_offsets",
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

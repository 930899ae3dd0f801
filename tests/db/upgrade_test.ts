import { assertEquals } from "@std/assert";
import { grantWriter } from "../../db/schema/grants.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { migrationFiles } from "../../db/schema/migrations/index.ts";
import { createPool } from "../../db/connect/pool.ts";
import { createStore } from "../../db/store/store.ts";
import { waitFor } from "../../local/wait.ts";
import { recordingLog } from "../support/recording_log.ts";
import { fullMessage } from "../wire/full_message.ts";
import { AGENT, otherDsn, type OwnDatabase, ownDatabase, records, SOURCE } from "./fixture.ts";

/** Rows as a writer of migration 000001 stored them, over three days and with a wide partition. */
const ROWS = `CREATE TABLE wide PARTITION OF check_results
    FOR VALUES FROM ('2025-01-01+00') TO ('2026-01-01+00');
  SELECT httpmon_ensure_partitions('{2026-05-01,2026-05-02,2026-05-03}');
  INSERT INTO sites (url) VALUES ('https://one.example/');
  INSERT INTO agents (uuid) VALUES ('${AGENT}');
  INSERT INTO check_results (ts, site_id, agent_id, verdict, response_code, response_time, reason)
  SELECT timestamptz '2026-05-01+00' + n * interval '4 minutes', 1, 1, n % 3, 200, n / 7.0, 'x' || n
  FROM generate_series(1, 1000) n;
  INSERT INTO check_results (ts, site_id, agent_id, verdict)
  VALUES ('2025-06-01+00', 1, 1, 0)`;

async function firstVersion(): Promise<OwnDatabase> {
  const database = await ownDatabase({ empty: true });
  const [first] = await migrationFiles();
  await migrate(database.dsn, { log: recordingLog(), files: [first!] });
  return database;
}

function upgrade({ dsn }: OwnDatabase) {
  return migrate(dsn, { log: recordingLog() });
}

Deno.test("migrate() upgrades a database that has results, and changes none", async () => {
  await using database = await firstVersion();
  await database.rows(ROWS);
  const before = await database.rows("SELECT * FROM mon_daily ORDER BY ts");
  const columns = `ts, response_time, scheduled_at, site_id, agent_id, response_code, verdict,
    regex_result, error_class, reason, error_message`;
  const sum = `SELECT count(*)::int AS rows, md5(string_agg(r::text, '' ORDER BY r.ts)) AS hash
    FROM (SELECT ${columns} FROM check_results) AS r`;
  const rows = await database.rows(sum);
  const files = await migrationFiles();
  const { applied, carriedOver } = await upgrade(database);
  assertEquals([applied, carriedOver], [files.slice(1).map(({ name }) => name), null]);
  assertEquals(await database.rows(sum), rows);
  assertEquals(await database.rows("SELECT * FROM mon_daily ORDER BY ts"), before);
  // Old days take new results, in wide partitions too, and their evidence.
  const store = createStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  const batch = [
    fullMessage(),
    { ...fullMessage(), ts: "2025-06-01 10:00:00" },
    { ...fullMessage(), ts: "2024-02-29 10:00:00" },
  ];
  const outcome = await store.storeBatch(SOURCE, records(0, batch), 0n);
  assertEquals(outcome.kind === "stored" && outcome.inserted, 3);
  assertEquals(await database.value("SELECT count(*)::int FROM evidence"), 3);
  assertEquals((await upgrade(database)).applied, []);
});

Deno.test("migrate() by five at once upgrades once", async () => {
  await using database = await firstVersion();
  await database.rows(ROWS);
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => upgrade(database)));
  const [, ...newer] = await migrationFiles();
  assertEquals(results.flatMap(({ applied }) => applied), newer.map(({ name }) => name));
});

Deno.test("migrate() holds nobody up while it waits for a long reader", async () => {
  await using database = await firstVersion();
  await database.rows(ROWS);
  const reader = await database.pool.connect();
  await reader.query("BEGIN; SELECT count(*) FROM check_results");
  let done = false;
  const upgrading = upgrade(database).finally(() => done = true);
  try {
    const waiting = `SELECT count(*)::int FROM pg_locks
      WHERE NOT granted AND relation = 'check_results'::regclass`;
    await waitFor(
      "the migration to wait",
      async () => await database.value(waiting) === 1,
      20_000,
    );
    // As a writer of before: with its columns, through the function that it knows.
    await database.rows(
      `SELECT httpmon_ensure_partitions('{2026-06-01}');
       INSERT INTO check_results (ts, site_id, agent_id, verdict) VALUES ('2026-06-01+00', 1, 1, 0)`,
    );
    assertEquals(done, false);
  } finally {
    await reader.query("COMMIT");
    reader.release();
  }
  const [, ...newer] = await migrationFiles();
  assertEquals((await upgrading).applied, newer.map(({ name }) => name));
  assertEquals(await database.value("SELECT count(*)::int FROM check_results"), 1002);
});

Deno.test("a writer of before goes on with the upgraded tables", async () => {
  await using database = await firstVersion();
  await upgrade(database);
  await database.rows(ROWS);
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), 1001);
  assertEquals(
    await database.value("SELECT httpmon_covered() @> '2026-05-02+00'::timestamptz"),
    true,
  );
});

Deno.test("migrate() lets roles do with the new tables what they could with the results", async () => {
  await using database = await firstVersion();
  const id = crypto.randomUUID().slice(0, 8);
  const [writer, reader] = [`Writer "${id}"`, `reader_${id}`];
  const quoted = `"${writer.replaceAll('"', '""')}"`;
  await database.rows(
    `CREATE ROLE ${quoted} LOGIN PASSWORD 'secret'; CREATE ROLE ${reader};
     GRANT SELECT ON check_results TO ${reader}`,
  );
  const tables = ["sites", "agents", "check_results", "dead_letters"].join(", ");
  // What a version of before told an operator to grant.
  await database.rows(
    `GRANT USAGE ON SCHEMA public TO ${quoted};
     GRANT SELECT, INSERT ON ${tables} TO ${quoted};
     GRANT SELECT, INSERT, UPDATE ON consumer_offsets TO ${quoted};
     GRANT EXECUTE ON FUNCTION httpmon_ensure_partitions(date[]) TO ${quoted}`,
  );
  await upgrade(database);
  const log = recordingLog();
  const pool = createPool(otherDsn(database.dsn, { user: writer, password: "secret" }), {
    max: 2,
    applicationName: "httpmon-test",
    log,
  });
  try {
    const store = createStore(pool, { log });
    await store.readOffset(SOURCE);
    const outcome = await store.storeBatch(SOURCE, records(0, [fullMessage()]), 0n);
    assertEquals(outcome.kind === "stored" && outcome.inserted, 1);
    const rights = await database.rows(
      `SELECT DISTINCT has_table_privilege($1, t, 'SELECT') AS can_read,
         has_table_privilege($1, t, 'INSERT, UPDATE, DELETE') AS can_write
       FROM unnest('{evidence,certificates,site_certificates,tls_handshakes,agent_contexts}'::text[])
         AS t`,
      [reader],
    );
    assertEquals(rights, [{ can_read: true, can_write: false }]);
    // Granting all anew does no harm.
    await grantWriter(database.pool, writer);
  } finally {
    await pool.end();
    await database.rows(
      `DROP OWNED BY ${quoted}; DROP ROLE ${quoted}; DROP OWNED BY ${reader}; DROP ROLE ${reader}`,
    );
  }
});

import { assertEquals, assertRejects } from "@std/assert";
import type pg from "pg";
import { classifyFailure } from "../../../db/store/failures.ts";
import { ensurePartitions } from "../../../db/schema/partitions.ts";
import { waitFor } from "../../../local/wait.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { fullMessage } from "../../wire/full_message.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

/** Partitions of both tables, those with a pending DETACH marked. */
const PARTITIONS =
  `SELECT c.relname || CASE WHEN inhdetachpending THEN ' pending' ELSE '' END AS name
  FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
  WHERE inhparent IN ('check_results'::regclass, 'evidence'::regclass) AND c.relname LIKE $1
  ORDER BY 1`;

async function partitions({ rows }: OwnDatabase, like: string): Promise<string[]> {
  return (await rows(PARTITIONS, [like])).map(({ name }) => name);
}

/** A store, and a result of 1 May stored with it. */
async function begunStore({ pool }: OwnDatabase): Promise<OwnStore> {
  const store = new OwnStore(pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  return store;
}

/** The next result of 1 May. */
async function storeAnother(store: OwnStore, offset: number): Promise<unknown> {
  const batch = records(offset, [result(offset + 1)]);
  const outcome = await store.storeBatch(SOURCE, batch, BigInt(offset));
  return outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters];
}

Deno.test("storeBatch() stores a result of a day that was detached and kept", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  for (
    const [offset, made] of [[1, "check_results_p20260501_2"], [2, "check_results_p20260501_3"]]
  ) {
    const [attached] = await partitions(database, "check_results_p20260501%");
    await database.rows(`ALTER TABLE check_results DETACH PARTITION ${attached}`);
    assertEquals(await storeAnother(store, offset as number), [1, 0]);
    assertEquals(await partitions(database, "check_results_p20260501%"), [made]);
  }
  // What was detached is as it was.
  for (const name of ["check_results_p20260501", "check_results_p20260501_2"]) {
    assertEquals(await database.value(`SELECT count(*)::int FROM ${name}`), 1);
  }
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), 1);
});

Deno.test("storeBatch() stores evidence of a day whose evidence was detached and kept", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const message = fullMessage();
  const day = message.ts.slice(0, 10).replaceAll("-", "");
  await ensurePartitions(database.pool, [message.ts.slice(0, 10)]);
  await database.rows(`ALTER TABLE evidence DETACH PARTITION evidence_p${day}`);
  const outcome = await store.storeBatch(SOURCE, records(1, [message]), 1n);
  assertEquals(outcome.kind === "stored" && outcome.inserted, 1);
  assertEquals(await partitions(database, `evidence_p${day}%`), [`evidence_p${day}_2`]);
  assertEquals(await database.value("SELECT count(*)::int FROM evidence"), 1);
});

Deno.test("ensurePartitions() gives the rest of a day another name, too, where its name is taken", async () => {
  await using database = await ownDatabase({ max: 1 });
  await database.rows(
    `SET timezone = 'UTC';
     CREATE TABLE half PARTITION OF check_results
       FOR VALUES FROM ('2024-03-01 00:00+00') TO ('2024-03-01 12:00+00');
     CREATE VIEW check_results_p20240301_120000 AS SELECT 1;
     CREATE TABLE check_results_p20240301_120000_2 ()`,
  );
  assertEquals(await ensurePartitions(database.pool, ["2024-03-01"]), 2);
  assertEquals(await partitions(database, "check_results_p20240301%"), [
    "check_results_p20240301_120000_3",
  ]);
});

/** A connection of its own, closed at the end whatever it does then. */
async function connection({ pool }: OwnDatabase) {
  const client = await pool.connect();
  return Object.assign(client, {
    [Symbol.asyncDispose]: () => Promise.resolve(client.release(true)),
  });
}

/** Begins DETACH ... CONCURRENTLY of 1 May, which waits for who reads the table. */
async function detachConcurrently(database: OwnDatabase, client: pg.PoolClient) {
  const ended = client.query(
    "ALTER TABLE check_results DETACH PARTITION check_results_p20260501 CONCURRENTLY",
  ).then(() => "done", (error) => String(error.code));
  const isPending = async () =>
    (await partitions(database, "check_results_p20260501%"))[0]?.endsWith(" pending") ?? false;
  await waitFor("the DETACH to be pending", isPending, 60_000);
  return { ended };
}

Deno.test("storeBatch() ends a DETACH CONCURRENTLY that was interrupted, and stores", async () => {
  await using database = await ownDatabase({ max: 8 });
  const store = await begunStore(database);
  await using reader = await connection(database);
  await using operator = await connection(database);
  await reader.query("BEGIN; SELECT count(*) FROM check_results");
  const detach = await detachConcurrently(database, operator);
  await database.rows(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND query LIKE 'ALTER%CONCURRENTLY'`,
  );
  assertEquals(await detach.ended, "57014");
  await reader.query("COMMIT");
  // Pending still: such a partition takes no rows, and keeps its range.
  assertEquals(await partitions(database, "check_results_p20260501%"), [
    "check_results_p20260501 pending",
  ]);

  assertEquals(await storeAnother(store, 1), [1, 0]);
  assertEquals(await partitions(database, "check_results_p20260501%"), [
    "check_results_p20260501_2",
  ]);
  assertEquals(await database.value("SELECT count(*)::int FROM check_results_p20260501"), 1);
});

Deno.test("storeBatch() tells that a day is being detached, and holds no other day up", async () => {
  await using database = await ownDatabase({ max: 8 });
  const store = await begunStore(database);
  await using reader = await connection(database);
  await using operator = await connection(database);
  await reader.query("BEGIN; SELECT count(*) FROM check_results");
  const detach = await detachConcurrently(database, operator);
  const error = await assertRejects(
    () => storeAnother(store, 1),
    Error,
    'Partition "public.check_results_p20260501" is being detached',
  );
  assertEquals([(error as { code?: string }).code, classifyFailure(error)], [
    "55P03",
    "operational",
  ]);

  const other = new OwnStore(database.pool, { log: recordingLog() });
  const source = { ...SOURCE, partition: 1 };
  await other.readOffset(source);
  const today = new Date().toISOString().slice(0, 10);
  await other.storeBatch(source, records(0, [result(1, { ts: `${today} 00:00:00` })]), 0n);

  await reader.query("COMMIT");
  assertEquals(await detach.ended, "done");
  assertEquals(await storeAnother(store, 1), [1, 0]);
  assertEquals(await partitions(database, "check_results_p20260501%"), [
    "check_results_p20260501_2",
  ]);
});

Deno.test("ensurePartitionsAhead() makes the days beside one that is being detached", async () => {
  await using database = await ownDatabase({ max: 8 });
  await begunStore(database);
  await using reader = await connection(database);
  await using operator = await connection(database);
  await reader.query("BEGIN; SELECT count(*) FROM check_results");
  const detach = await detachConcurrently(database, operator);
  const clock = new FakeClock({ wall: Date.UTC(2026, 3, 29, 12) });
  const store = new OwnStore(database.pool, { log: recordingLog(), clock });
  const error = await assertRejects(() => store.ensurePartitionsAhead(), Error, "being detached");
  assertEquals((error as { code?: string }).code, "55P03");
  const made = [28, 29, 30].map((day) => `check_results_p202604${day}`);
  assertEquals(await partitions(database, "check_results_p202604%"), made);
  assertEquals(await partitions(database, "check_results_p202605%"), [
    "check_results_p20260501 pending",
    ...[2, 3, 4, 5, 6].map((day) => `check_results_p2026050${day}`),
  ]);
  await reader.query("COMMIT");
  assertEquals(await detach.ended, "done");
  assertEquals(await store.ensurePartitionsAhead(), 1);
});

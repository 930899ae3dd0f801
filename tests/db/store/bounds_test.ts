/** Days and batches have bounds: what is outside of them holds nothing else up. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { IncomingRecord } from "../../../db/store/records.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { formatTimestamp } from "../../../wire/timestamp.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

const DAY_MS = 86_400_000;
/** Longer than a test takes. */
const MARGIN_MS = 600_000;
const LETTERS = 'SELECT "offset"::int, reason FROM dead_letters ORDER BY 1';

/** A result so many milliseconds from now. */
function at(ms: number): ResultMessage {
  return result(0, { ts: formatTimestamp(BigInt(Date.now() + ms) * 1000n) });
}

async function begunStore(
  { pool }: OwnDatabase,
  options: Partial<ConstructorParameters<typeof OwnStore>[1]> = {},
): Promise<OwnStore> {
  const store = new OwnStore(pool, { log: recordingLog(), ...options });
  await store.readOffset(SOURCE);
  return store;
}

function partitionsOutside({ value }: OwnDatabase, from: number, to: number): Promise<unknown> {
  return value(
    `SELECT count(*)::int FROM httpmon_bounds('check_results')
     WHERE lower(bounds) < now() + $1 * interval '1 day' OR upper(bounds) > now() + $2 * interval '1 day'`,
    [from, to],
  );
}

Deno.test("storeBatch() sets results over a day ahead or ten years back aside, ts_out_of_range", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const batch = records(0, [
    at(0),
    at(DAY_MS + MARGIN_MS),
    at(DAY_MS - MARGIN_MS),
    at(400 * DAY_MS),
    at(-3650 * DAY_MS),
    at(-3655 * DAY_MS),
    result(0, { ts: "0001-01-01 00:00:00" }),
    result(0, { ts: "9999-12-31 23:59:59.999999" }),
  ]);
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assert(outcome.kind === "stored");
  assertEquals([outcome.inserted, outcome.deadLetters, outcome.expired], [3, 5, 0]);
  assertEquals(
    await database.rows(LETTERS),
    [1, 3, 5, 6, 7].map((offset) => ({ offset, reason: "ts_out_of_range" })),
  );
  assertEquals(await partitionsOutside(database, -3652, 9), 0);
});

Deno.test("storeBatch() counts results of dropped days as expired, and no dropped day comes back", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const old = at(-10 * DAY_MS);
  await store.storeBatch(SOURCE, records(0, [old, at(-DAY_MS)]), 0n);
  const day = old.ts.slice(0, 10).replaceAll("-", "");
  await database.rows(
    `INSERT INTO retention VALUES ('raw', 5, current_date - 5)
       ON CONFLICT (what) DO UPDATE SET dropped_before = excluded.dropped_before;
     DROP TABLE check_results_p${day}, evidence_p${day}`,
  );
  // This store has seen the day's partition; the other one has not.
  for (
    const [offset, each] of [[2, store], [
      6,
      new OwnStore(database.pool, { log: recordingLog() }),
    ]] as const
  ) {
    const batch = records(offset, [
      old,
      at(-4 * DAY_MS),
      at(-4000 * DAY_MS),
      at(2 * DAY_MS),
    ]);
    const outcome = await each.storeBatch(SOURCE, batch, BigInt(offset));
    assert(outcome.kind === "stored");
    assertEquals([outcome.inserted, outcome.expired, outcome.deadLetters], [1, 2, 1]);
    assertEquals(outcome.nextOffset, BigInt(offset + 4));
  }
  assertEquals(await partitionsOutside(database, -7, 9), 0);
  assertEquals(
    await database.value("SELECT httpmon_ensure_partitions(ARRAY[current_date - 10])"),
    0,
  );
});

Deno.test("storeBatch() halves a batch for which the database has no time", async () => {
  await using database = await ownDatabase();
  // As the server ends large batches on a slow disk; a row alone is in time.
  await database.rows(
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       IF (SELECT count(*) FROM rows) > 2 THEN
         PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(60);
       END IF;
       RETURN NULL;
     END $$;
     CREATE TRIGGER slow AFTER INSERT ON check_results REFERENCING NEW TABLE AS rows
       FOR EACH STATEMENT EXECUTE FUNCTION slow()`,
  );
  const store = await begunStore(database);
  const batch = records(0, Array.from({ length: 5 }, (_, n) => result(n)));
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome, {
    kind: "stored",
    inserted: 5,
    duplicates: 0,
    deadLetters: 0,
    expired: 0,
    skipped: 0,
    nextOffset: 5n,
  });
});

Deno.test("storeBatch() halves a batch that our own process cannot write", async () => {
  await using database = await ownDatabase();
  let calls = 0;
  const store = await begunStore(database, {
    passFailpoint: (name) => {
      if (name === "store.before_call" && calls++ === 0) {
        throw new RangeError("Invalid string length");
      }
    },
  });
  const batch = records(0, Array.from({ length: 5 }, (_, n) => result(n)));
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters], [5, 0]);
  // All; two of them, again once their site is known; the other three.
  assertEquals(calls, 4);
});

Deno.test("storeBatch() tries a single result again for which the database has no time", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  const hasty = await begunStore(database, { statementTimeoutMs: 300 });
  const holder = await database.pool.connect();
  await holder.query("BEGIN; LOCK TABLE consumer_offsets");
  const batch = records(1, [result(2)]);
  const error = await assertRejects(() => hasty.storeBatch(SOURCE, batch, 1n));
  assertEquals((error as { code?: string }).code, "57014");
  await holder.query("COMMIT");
  holder.release();
  const outcome = await store.storeBatch(SOURCE, batch, 1n);
  assertEquals(outcome.kind === "stored" && outcome.inserted, 1);
});

Deno.test("storeBatch() sets a batch aside that nobody could read, by its first and last offset", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const [good, behind] = records(0, [result(1), result(2)]) as [IncomingRecord, IncomingRecord];
  const unread = {
    ...records(7, [result(3)])[0]!,
    key: null,
    value: new Uint8Array([1, 2, 3]),
    decode: () => ({
      ok: false as const,
      reason: "bad_batch" as const,
      firstOffset: 1n,
      detail: "The batch of records is damaged",
    }),
  };
  const outcome = await store.storeBatch(SOURCE, [good, unread, { ...behind, offset: 8n }], 0n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters], [2, 1]);
  assertEquals(
    await database.rows(
      `SELECT "offset"::int, last_offset::int, key, encode(value, 'hex') AS value, reason, detail
       FROM dead_letters`,
    ),
    [{
      offset: 1,
      last_offset: 7,
      key: null,
      value: "010203",
      reason: "bad_batch",
      detail: "The batch of records is damaged",
    }],
  );
  assertEquals((await store.readOffset(SOURCE))?.nextOffset, 9n);
});

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createStore, type ResultStore } from "../../db/store.ts";
import { recordingLog } from "../support/recording_log.ts";
import { type OwnDatabase, ownDatabase, record, records, result, SOURCE } from "./fixture.ts";

const POISON = "https://poison.example/";

/** Raises for results of POISON, as a database's own rule may. */
async function refusePoison({ rows }: OwnDatabase): Promise<void> {
  await rows(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       IF (SELECT url FROM sites WHERE id = NEW.site_id) = '${POISON}' THEN
         RAISE EXCEPTION 'No results of this site' USING DETAIL = 'the rule', ERRCODE = 'P0001';
       END IF;
       RETURN NEW;
     END $$`,
  );
  await rows(
    "CREATE TRIGGER refuse BEFORE INSERT ON check_results FOR EACH ROW EXECUTE FUNCTION refuse()",
  );
}

async function begunStore({ pool }: OwnDatabase): Promise<ResultStore> {
  const store = createStore(pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  return store;
}

Deno.test("storeBatch() finds the results that only the database refuses, and stores the rest", async () => {
  await using database = await ownDatabase();
  await refusePoison(database);
  const store = await begunStore(database);
  const bad = [0, 17, 18, 99];
  const batch = records(
    0,
    Array.from({ length: 100 }, (_, n) => result(n, bad.includes(n) ? { url: POISON } : {})),
  );
  const outcome = await store.storeBatch(SOURCE, [...batch, record(100, null)], 0n);
  assertEquals(outcome, {
    kind: "stored",
    inserted: 96,
    duplicates: 0,
    deadLetters: 5,
    skipped: 0,
    nextOffset: 101n,
  });
  const letters = await database.rows(
    'SELECT "offset"::int, reason, detail, value FROM dead_letters ORDER BY 1',
  );
  assertEquals(letters.map((row) => row.offset), [...bad, 100]);
  for (const letter of letters.slice(0, 4)) {
    assertEquals(letter.reason, "store_failed");
    assertEquals(letter.detail, "P0001: No results of this site (the rule)");
    assertEquals(Buffer.compare(letter.value, batch[letter.offset]!.value!), 0);
  }
  assertEquals(await database.value("SELECT count(*)::int FROM check_results"), 96);
});

Deno.test("storeBatch() finds duplicates and taken identities among refused results too", async () => {
  await using database = await ownDatabase();
  await database.rows("ALTER TABLE check_results ADD CHECK (response_code <> 418)");
  const store = await begunStore(database);
  const batch = records(0, [
    result(1),
    result(1, { responseCode: 204 }),
    result(2, { responseCode: 418 }),
    result(1),
    result(3),
  ]);
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome, {
    kind: "stored",
    inserted: 2,
    duplicates: 1,
    deadLetters: 2,
    skipped: 0,
    nextOffset: 5n,
  });
  assertEquals(
    await database.rows('SELECT "offset"::int, reason FROM dead_letters ORDER BY 1'),
    [{ offset: 1, reason: "key_taken" }, { offset: 2, reason: "store_failed" }],
  );
});

Deno.test("storeBatch() notices a constraint that is deferred to COMMIT", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN RAISE EXCEPTION 'Too late' USING ERRCODE = 'check_violation', CONSTRAINT = 'late'; END $$`,
  );
  await database.rows(
    `CREATE CONSTRAINT TRIGGER late AFTER INSERT ON check_results DEFERRABLE INITIALLY DEFERRED
     FOR EACH ROW WHEN (NEW.response_code = 418) EXECUTE FUNCTION late()`,
  );
  const store = await begunStore(database);
  const batch = records(0, [result(1), result(2, { responseCode: 418 }), result(3)]);
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters], [2, 1]);
  assertEquals(await database.value("SELECT detail FROM dead_letters"), "23514: Too late");
});

Deno.test("storeBatch() blames the database where every result fails, and stores nothing", async () => {
  await using database = await ownDatabase();
  await refusePoison(database);
  const store = await begunStore(database);
  const batch = records(0, [1, 2, 3].map((n) => result(n, { url: POISON })));
  for (let attempt = 0; attempt < 7; attempt++) {
    const error = await assertRejects(() => store.storeBatch(SOURCE, batch, 0n), Error);
    assertStringIncludes(error.message, "None of 3 results can be stored");
    assertEquals((error as { code?: string }).code, "P0001");
  }
  assertEquals(await store.readOffset(SOURCE), null);
  assertEquals(await database.value("SELECT count(*)::int FROM dead_letters"), 0);
  // Once another one passes, it is the three.
  const outcome = await store.storeBatch(SOURCE, [...batch, record(3, result(4))], 0n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters], [1, 3]);
});

Deno.test("storeBatch() sets results that all fail aside at the tenth failure, and goes on", async () => {
  await using database = await ownDatabase();
  await refusePoison(database);
  const store = await begunStore(database);
  const batch = records(0, [1, 2, 3].map((n) => result(n, { url: POISON })));
  for (let attempt = 1; attempt < 10; attempt++) {
    await assertRejects(() => store.storeBatch(SOURCE, batch, 0n), Error);
  }
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && [outcome.deadLetters, outcome.nextOffset], [3, 3n]);
});

Deno.test("storeBatch() sets a result that fails alone in its batch aside at the fifth failure", async () => {
  await using database = await ownDatabase();
  await refusePoison(database);
  const store = await begunStore(database);
  const batch = records(0, [result(1, { url: POISON })]);
  for (let attempt = 1; attempt < 5; attempt++) {
    await assertRejects(
      () => store.storeBatch(SOURCE, batch, 0n),
      Error,
      "No results of this site",
    );
  }
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && [outcome.deadLetters, outcome.nextOffset], [1, 1n]);
});

Deno.test("storeBatch() takes a hash that another site has for that one result's fault", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  // No two texts with one MD5 are at hand that are URLs, so the function gives every URL the same.
  await database.rows(
    `CREATE OR REPLACE FUNCTION httpmon_site_identity(name text, url text) RETURNS uuid
     LANGUAGE sql IMMUTABLE RETURN md5('same')::uuid`,
  );
  const urls = ["https://a.example/", "https://b.example/"];
  await store.storeBatch(SOURCE, records(0, [result(1, { url: urls[0] })]), 0n);
  const batch = records(1, [result(2, { url: urls[0] }), result(2, { url: urls[1] })]);
  const outcome = await store.storeBatch(SOURCE, batch, 1n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters], [1, 1]);
});

Deno.test("storeBatch() throws what the database itself is at fault for, and sets nothing aside", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await database.rows("ALTER TABLE check_results RENAME TO elsewhere");
  const batch = records(0, [result(1), result(2)]);
  const error = await assertRejects(() => store.storeBatch(SOURCE, batch, 0n));
  assertEquals((error as { code?: string }).code, "42P01");
  assertEquals(await database.value("SELECT count(*)::int FROM dead_letters"), 0);
  await database.rows("ALTER TABLE elsewhere RENAME TO check_results");
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && outcome.inserted, 2);
});

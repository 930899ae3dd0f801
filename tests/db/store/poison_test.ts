import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ResultStore } from "../../../db/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import {
  type OwnDatabase,
  ownDatabase,
  OwnStore,
  record,
  records,
  result,
  SOURCE,
} from "../fixture.ts";

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

async function begunStore({ pool }: OwnDatabase): Promise<OwnStore> {
  const store = new OwnStore(pool, { log: recordingLog() });
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
    expired: 0,
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
    expired: 0,
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

/** A store with a clock that the test moves, and a partition begun. */
async function timedStore({ pool }: OwnDatabase) {
  const clock = new FakeClock();
  const log = recordingLog();
  const store = new OwnStore(pool, { log, clock });
  await store.readOffset(SOURCE);
  return { clock, log, store };
}

const LETTERS = "SELECT count(*)::int FROM dead_letters";

Deno.test("what is refused before the rows are is found by halves, and set aside after ten minutes", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
       $$BEGIN RAISE EXCEPTION 'No such site' USING ERRCODE = 'P0001'; END$$;
     CREATE TRIGGER refuse BEFORE INSERT ON sites FOR EACH ROW WHEN (NEW.url = '${POISON}')
     EXECUTE FUNCTION refuse()`,
  );
  const of = (first: number) =>
    Array.from({ length: 9 }, (_, n) => result(first + n, n === 6 ? { url: POISON } : {}));
  const { clock, log, store } = await timedStore(database);
  const batch = records(0, of(0));
  const attempt = (n: number) => store.storeBatch(SOURCE, batch.slice(n), BigInt(n));
  const { code } = await assertRejects(() => attempt(0)) as { code?: string };
  assertEquals([code, await database.value("SELECT next_offset::int FROM consumer_offsets")], [
    "P0001",
    6,
  ]);
  for (let minute = 0; minute < 10; minute++) {
    await assertRejects(() => attempt(6), Error, "No such site");
    clock.stall(60_000);
  }
  const outcome = await attempt(6);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters], [2, 1]);
  assertEquals(await database.rows('SELECT "offset"::int, reason, detail FROM dead_letters'), [
    { offset: 6, reason: "store_failed", detail: "P0001: No such site" },
  ]);

  // The same of results that come from no topic, one of them there already.
  const results = records(0, [...of(100), result(0)])
    .map((one, n) => ({ ...one, message: n < 9 ? of(100)[n]! : result(0) }));
  const loaded = await new ResultStore(database.pool, { log }).storeResults(results);
  assertEquals([loaded.inserted, loaded.duplicates, loaded.expired], [8, 1, 0]);
  assertEquals(loaded.refused.map(({ reason }) => reason), ["store_failed"]);
});

for (const count of [1, 3]) {
  Deno.test(`storeBatch() sets a batch of ${count} that fails altogether aside after ten minutes`, async () => {
    await using database = await ownDatabase();
    await refusePoison(database);
    const { clock, log, store } = await timedStore(database);
    const messages = Array.from({ length: count }, (_, n) => result(n, { url: POISON }));
    const batch = [...records(0, messages), record(count, null)];
    for (let seconds = 0; seconds < 600; seconds += 15) {
      const error = await assertRejects(() => store.storeBatch(SOURCE, batch, 0n), Error);
      assertEquals((error as { code?: string }).code, "P0001");
      clock.stall(15_000);
    }
    assertEquals(await database.value(LETTERS), 0);
    // Once a minute, at the level that the default shows.
    assertEquals(log.lines.map(({ level }) => level), Array(10).fill("error"));
    assertEquals(
      log.lines.map(({ fields }) => fields.minutesLeft),
      [10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
    );
    assertEquals([log.lines[0]!.fields.firstOffset, log.lines[0]!.fields.results], ["0", count]);
    const outcome = await store.storeBatch(SOURCE, batch, 0n);
    assertEquals(outcome.kind === "stored" && [outcome.deadLetters, outcome.nextOffset], [
      count + 1,
      BigInt(count + 1),
    ]);
  });
}

Deno.test("storeBatch() stores what a database refused that is mended in time", async () => {
  await using database = await ownDatabase();
  await database.rows("ALTER TABLE check_results ADD CONSTRAINT wrong CHECK (verdict > 7)");
  const { clock, store } = await timedStore(database);
  const batch = records(0, [result(1)]);
  for (let attempt = 0; attempt < 20; attempt++) {
    await assertRejects(() => store.storeBatch(SOURCE, batch, 0n), Error, "wrong");
    clock.stall(29_000);
  }
  await database.rows("ALTER TABLE check_results DROP CONSTRAINT wrong");
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.deadLetters], [1, 0]);
});

Deno.test("storeBatch() counts ten minutes of one batch's refusals, on end", async () => {
  await using database = await ownDatabase();
  await refusePoison(database);
  const { clock, store } = await timedStore(database);
  const batch = records(0, [1, 2].map((n) => result(n, { url: POISON })));
  const refused = async (some = batch) => {
    for (let second = 0; second < 599; second += 100) {
      await assertRejects(
        () => store.storeBatch(SOURCE, some, 0n),
        Error,
        "No results of this site",
      );
      clock.stall(second < 500 ? 100_000 : 99_000);
    }
  };
  await refused();
  // Another writer had the partition meanwhile.
  clock.stall(3_600_000);
  await refused();
  // With one more that was not refused yet.
  const longer = [...batch, record(2, result(3, { url: POISON }))];
  await refused(longer);
  // The database was away: who mends that may mend the rest.
  await database.rows("ALTER TABLE check_results RENAME TO elsewhere");
  await assertRejects(() => store.storeBatch(SOURCE, longer, 0n), Error, "does not exist");
  await database.rows("ALTER TABLE elsewhere RENAME TO check_results");
  clock.stall(2_000);
  await refused(longer);
  clock.stall(1_000);
  const outcome = await store.storeBatch(SOURCE, longer, 0n);
  assertEquals(outcome.kind === "stored" && outcome.deadLetters, 3);
});

Deno.test("storeBatch() sets aside after ten minutes what is behind a part that was stored", async () => {
  await using database = await ownDatabase();
  await refusePoison(database);
  const { clock, store } = await timedStore(database);
  // The poison is on a 51st day, and so in a second transaction.
  const batch = records(
    0,
    Array.from({ length: 51 }, (_, n) => result(n * 86_400, n === 50 ? { url: POISON } : {})),
  );
  for (let minute = 0; minute < 10; minute++) {
    await assertRejects(
      () => store.storeBatch(SOURCE, batch, 0n),
      Error,
      "No results of this site",
    );
    clock.stall(60_000);
  }
  const outcome = await store.storeBatch(SOURCE, batch, 0n);
  assertEquals(outcome.kind === "stored" && [outcome.skipped, outcome.deadLetters], [50, 1]);
});

Deno.test("storeBatch() sets nothing aside where a sequence is at its end", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  await database.rows("SELECT setval('sites_id_seq', 2147483647)");
  const batch = records(1, [result(2), result(3, { url: "https://new.example/" })]);
  const error = await assertRejects(() => store.storeBatch(SOURCE, batch, 1n));
  assertEquals((error as { code?: string }).code, "2200H");
  assertEquals(await database.value(LETTERS), 0);
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

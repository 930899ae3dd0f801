import { assert, assertEquals } from "@std/assert";
import { recordingLog } from "../../support/recording_log.ts";
import {
  AGENT,
  type OwnDatabase,
  ownDatabase,
  OwnStore,
  records,
  result,
  SOURCE,
} from "../fixture.ts";

const COUNTS = `SELECT (SELECT count(*)::int FROM check_results) AS results,
  (SELECT count(*)::int FROM dead_letters) AS letters`;

function newStore({ pool }: OwnDatabase): OwnStore {
  return new OwnStore(pool, { log: recordingLog() });
}

async function begunStore(database: OwnDatabase, source = SOURCE): Promise<OwnStore> {
  const store = newStore(database);
  assertEquals(await store.readOffset(source), null);
  return store;
}

function stored(
  nextOffset: number,
  counts: { inserted?: number; duplicates?: number; deadLetters?: number; skipped?: number },
) {
  return {
    kind: "stored" as const,
    inserted: 0,
    duplicates: 0,
    deadLetters: 0,
    expired: 0,
    skipped: 0,
    nextOffset: BigInt(nextOffset),
    ...counts,
  };
}

Deno.test("storeBatch() counts the same result again as a duplicate, at other offsets too", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const first = result(1);
  const messages = [first, result(2), first];
  assertEquals(
    await store.storeBatch(SOURCE, records(0, messages), 0n),
    stored(3, { inserted: 2, duplicates: 1 }),
  );
  assertEquals(
    await store.storeBatch(SOURCE, records(3, [...messages, result(3)]), 3n),
    stored(7, { inserted: 1, duplicates: 3 }),
  );
  assertEquals((await database.rows(COUNTS))[0], { results: 3, letters: 0 });
});

Deno.test("storeBatch() sets another content with a stored identity aside, key_taken", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await store.storeBatch(SOURCE, records(0, [result(1), result(2)]), 0n);
  const taken = [
    result(1, { responseTime: 12.6 }),
    result(1, { responseCode: 201 }),
    result(1, { responseCode: null }),
    result(1, { regexResult: null }),
    result(1, { errorMessage: "" }),
    result(1, { verdict: "down" }),
    result(1, { reason: "regex" }),
    result(1, { errorClass: "reset" }),
    result(1, { scheduledAt: "2026-05-01 00:00:00" }),
  ];
  // Another site, another agent, another name: no conflict.
  const fine = [
    result(1, { url: "https://two.example/" }),
    result(1, { agentUUID: AGENT.replace("6", "7") }),
    result(1, { site: "named" }),
    result(1),
  ];
  const batch = records(2, [...taken, ...fine]);
  const next = 2 + batch.length;
  assertEquals(
    await store.storeBatch(SOURCE, batch, 2n),
    stored(next, { inserted: 3, duplicates: 1, deadLetters: taken.length }),
  );
  const letters = await database.rows(
    'SELECT "offset"::int, reason, detail, value FROM dead_letters ORDER BY 1',
  );
  assertEquals(letters.map((row) => row.offset), taken.map((_, index) => 2 + index));
  for (const [index, letter] of letters.entries()) {
    assertEquals(letter.reason, "key_taken");
    assert(letter.detail.includes("2026-05-01 00:00:01.000123"), letter.detail);
    assertEquals(Buffer.compare(letter.value, batch[index]!.value!), 0);
  }
});

Deno.test("storeBatch() keeps the first of two results with one identity in a batch", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const batch = records(0, [result(1), result(1, { responseCode: 500 }), result(1)]);
  assertEquals(
    await store.storeBatch(SOURCE, batch, 0n),
    stored(3, { inserted: 1, duplicates: 1, deadLetters: 1 }),
  );
  assertEquals(await database.value("SELECT response_code FROM check_results"), 200);
  assertEquals(await database.value('SELECT "offset"::int FROM dead_letters'), 1);
});

Deno.test("storeBatch() takes a result carried over in whole milliseconds for the same", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await store.storeBatch(SOURCE, records(0, [result(1, { responseTime: 17 })]), 0n);
  const again = [17.4, 16.6, 17, 18].map((responseTime) => result(1, { responseTime }));
  assertEquals(
    await store.storeBatch(SOURCE, records(1, again), 1n),
    stored(5, { duplicates: 3, deadLetters: 1 }),
  );
});

Deno.test("storeBatch() trusts no id from before the tables were put back", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const urls = ["https://a.example/", "https://b.example/"];
  await store.storeBatch(SOURCE, records(0, urls.map((url) => result(1, { url }))), 0n);
  await database.rows("TRUNCATE check_results, sites, agents RESTART IDENTITY");
  const [b, a] = [result(2, { url: urls[1] }), result(2, { url: urls[0] })];
  await store.storeBatch(SOURCE, records(2, [b]), 2n);
  await store.storeBatch(SOURCE, records(3, [a]), 3n);
  assertEquals(
    await database.rows(
      "SELECT id, url, count(*)::int FROM check_results JOIN sites ON id = site_id GROUP BY 1, 2 ORDER BY 1",
    ),
    [{ id: 1, url: urls[1], count: 1 }, { id: 2, url: urls[0], count: 1 }],
  );
});

Deno.test("storeBatch() uses no id up for sites that are known", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const sites = Array.from({ length: 50 }, (_, n) => `https://${n}.example/`);
  for (let round = 0; round < 5; round++) {
    const batch = records(50 * round, sites.map((url) => result(round, { url })));
    await store.storeBatch(SOURCE, batch, BigInt(50 * round));
  }
  await store.storeBatch(SOURCE, records(250, [result(9, { url: "https://new.example/" })]), 250n);
  assertEquals(await database.value("SELECT max(id) FROM sites"), 51);
  assertEquals(await database.value("SELECT max(id) FROM agents"), 1);
});

Deno.test("storeBatch() stores URLs that are longer than an index entry", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const path = Array.from({ length: 2_000 }, (_, n) => n.toString(36)).join("/");
  const urls = [`https://long.example/${path}`, `https://long.example/${path}/`];
  const batch = records(0, urls.map((url) => result(1, { url })));
  assertEquals(await store.storeBatch(SOURCE, batch, 0n), stored(2, { inserted: 2 }));
  assertEquals(await database.value("SELECT count(*)::int FROM mon_daily"), 2);
  assertEquals(await database.value("SELECT max(length(url)) FROM mon_daily"), 2048);
});

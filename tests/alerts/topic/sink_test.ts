import { assertEquals } from "@std/assert";
import { ownDatabase } from "../../db/fixture.ts";
import { FIRST, records, SOURCE, testAlerter } from "../alerter.ts";

const EVENTS = "SELECT kind, detail ->> 'vote' AS vote FROM alert_events ORDER BY at, kind";
const EVERYTHING =
  `SELECT (SELECT jsonb_agg(e ORDER BY at, kind, ts) FROM alert_events AS e) AS events,
  (SELECT jsonb_agg(v ORDER BY site_id) FROM site_votes AS v) AS votes,
  (SELECT jsonb_agg(c) FROM alert_clocks AS c) AS clocks,
  (SELECT jsonb_agg(o) FROM consumer_offsets AS o) AS offsets`;

Deno.test("createAlertSink() hands on what votes make known, and moves the offset", async () => {
  await using database = await ownDatabase();
  const { store } = testAlerter(database.pool);
  const all = records("uudddduu");
  assertEquals(await store(SOURCE, all.slice(0, 5), FIRST), {
    kind: "stored",
    skipped: 0,
    nextOffset: 5n,
  });
  await store(SOURCE, all.slice(5), { position: 5n, first: false });
  assertEquals((await database.rows(EVENTS)).map(({ kind, vote }) => vote ?? kind), [
    ...["view", "well", "up", "well"],
    // The first one that is lost, then the third.
    ...["seen", "up", "seen", "seen", "down", "seen"],
    ...["down", "well", "up", "well"],
  ]);
  const [{ at }] = await database.rows("SELECT at FROM alert_clocks");
  assertEquals(BigInt(at), all.at(-1)!.timestamp);
});

Deno.test("createAlertSink() changes nothing when a batch comes again", async () => {
  await using database = await ownDatabase();
  const { store } = testAlerter(database.pool);
  const startMs = Date.now() - 11 * 60_000;
  const all = records("uuddduu", { startMs });
  await store(SOURCE, all, FIRST);
  const before = await database.rows(EVERYTHING);
  // It was killed behind the commit: the place is that of before.
  assertEquals(await store(SOURCE, all, { position: 0n, first: false }), {
    kind: "stored",
    skipped: 7,
    nextOffset: 7n,
  });
  assertEquals(await database.rows(EVERYTHING), before);
  // Two at once: one waits for the other's lock, and finds it done.
  const more = records("dddd", { first: 7, startMs: startMs + 7 * 60_000 });
  await Promise.all([1, 2].map(() => store(SOURCE, more, { position: 7n, first: false })));
  assertEquals(await database.value("SELECT next_offset::int FROM consumer_offsets"), 11);
  assertEquals(
    await database.value("SELECT count(*)::int FROM alert_events WHERE detail ->> 'vote' = 'down'"),
    3,
  );
});

Deno.test("createAlertSink() stores nothing of a batch that fails half-way", async () => {
  await using database = await ownDatabase();
  const { store } = testAlerter(database.pool);
  const all = records("uudddduu");
  await database.rows("ALTER TABLE alert_events RENAME TO away");
  const failed = await store(SOURCE, all, FIRST).then(() => false, () => true);
  assertEquals(failed, true);
  await database.rows("ALTER TABLE away RENAME TO alert_events");
  assertEquals(await database.value("SELECT count(*)::int FROM site_votes"), 0);
  assertEquals(await database.value("SELECT count(*)::int FROM consumer_offsets"), 0);
  await store(SOURCE, all, FIRST);
  assertEquals((await database.rows(EVENTS)).length, 14);
});

Deno.test("createAlertSink() passes over what is no result", async () => {
  await using database = await ownDatabase();
  const { store } = testAlerter(database.pool);
  const broken = [null, new Uint8Array([0xff]), new TextEncoder().encode("{}")].map((value, n) => ({
    offset: BigInt(n),
    timestamp: BigInt(Date.now()),
    key: null,
    value,
  }));
  const outcome = await store(SOURCE, broken, FIRST);
  assertEquals(outcome, { kind: "stored", skipped: 0, nextOffset: 3n });
  // The database was put back to an older copy: read on from there.
  assertEquals(await store(SOURCE, broken, { position: 5n, first: false }), {
    kind: "moved",
    storedOffset: 3n,
  });
});

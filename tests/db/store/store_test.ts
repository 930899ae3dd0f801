import { assert, assertEquals } from "@std/assert";
import { recordHash } from "../../../runtime/record_hash.ts";
import { recordingLog } from "../../support/recording_log.ts";
import {
  AGENT,
  type OwnDatabase,
  ownDatabase,
  OwnStore,
  record,
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
  counts: {
    inserted?: number;
    duplicates?: number;
    deadLetters?: number;
    expired?: number;
    skipped?: number;
  },
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

Deno.test("storeBatch() stores every field and moves the offset with it", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const full = result(1, {
    site: "front page",
    url: "https://one.example/p?q=ü",
    regexResult: false,
    responseTime: 0.123456789,
    verdict: "degraded",
    reason: "max_response_time_ms",
    errorClass: "slow",
    scheduledAt: "2026-05-01 00:00:00",
  });
  const bare = result(2, { responseCode: null, regexResult: null, errorMessage: "x\\\"'{,}" });
  delete bare.verdict;
  const last = record(18, bare, null);
  const outcome = await store.storeBatch(SOURCE, [record(7, full), last], 7n);
  assertEquals(outcome, stored(19, { inserted: 2 }));
  const rows = await database.rows(
    `SELECT r.ts AT TIME ZONE 'UTC' || '' AS ts, a.identity AS agent, s.url, s.name, response_time,
       response_code, regex_result, error_message, verdict, reason, error_class, lateness
     FROM check_results r JOIN sites s ON s.id = site_id JOIN agents a ON a.id = agent_id
     LEFT JOIN reasons w ON w.id = reason_id
     ORDER BY r.ts`,
  );
  assertEquals(rows, [{
    ts: "2026-05-01 00:00:01.000123",
    agent: AGENT,
    url: full.url,
    name: "front page",
    response_time: 0.12345679,
    response_code: 200,
    regex_result: false,
    error_message: null,
    verdict: 1,
    reason: "max_response_time_ms",
    error_class: "slow",
    lateness: 1000.123,
  }, {
    ts: "2026-05-01 00:00:02.000123",
    agent: AGENT,
    url: "https://one.example/",
    name: null,
    response_time: 12.5,
    response_code: null,
    regex_result: null,
    error_message: "x\\\"'{,}",
    verdict: 2,
    reason: null,
    error_class: null,
    lateness: null,
  }]);
  const offset = await store.readOffset(SOURCE);
  assertEquals(offset?.nextOffset, 19n);
  assertEquals(offset?.lastTimestamp, last.timestamp);
  assertEquals(Buffer.compare(offset!.lastHash!, recordHash(last)), 0);
});

Deno.test("storeBatch() skips what another writer has stored", async () => {
  await using database = await ownDatabase();
  const [one, other] = [await begunStore(database), await begunStore(database)];
  const batch = records(0, [1, 2, 3, 4].map((n) => result(n)));
  await one.storeBatch(SOURCE, batch.slice(0, 3), 0n);
  assertEquals(await other.storeBatch(SOURCE, batch, 0n), stored(4, { inserted: 1, skipped: 3 }));
  // As after a COMMIT whose answer was lost.
  assertEquals(await one.storeBatch(SOURCE, batch.slice(0, 3), 0n), stored(4, { skipped: 3 }));
  assertEquals((await database.rows(COUNTS))[0], { results: 4, letters: 0 });
});

Deno.test("storeBatch() keeps what did not decode, with bytes, place and reason, once", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const bytes = new Uint8Array([0xff, 0x00, 0x7b]);
  const large = new Uint8Array(5 * 1024 * 1024).fill(0x41);
  const batch = [
    record(0, null, null),
    record(1, new Uint8Array()),
    record(2, result(1)),
    record(3, bytes),
    record(4, large),
    record(5, large),
    record(6, new TextEncoder().encode('{"\0": 1')),
  ];
  assertEquals(
    await store.storeBatch(SOURCE, batch, 0n),
    stored(7, { inserted: 1, deadLetters: 6 }),
  );
  const letters = await database.rows(
    `SELECT cluster_id, topic, partition, "offset"::int, key, length(value) AS bytes, reason
     FROM dead_letters ORDER BY "offset"`,
  );
  const key = Buffer.from("key");
  assertEquals(
    letters,
    ([
      [0, null, null, "null_value"],
      [1, key, 0, "empty_value"],
      [3, key, 3, "bad_utf8"],
      [4, key, large.length, "too_large"],
      [5, key, large.length, "too_large"],
      [6, key, 7, "bad_json"],
    ] as const).map(([offset, key, bytes, reason]) => ({
      cluster_id: "cluster",
      topic: "monitoring",
      partition: 0,
      offset,
      key,
      bytes,
      reason,
    })),
  );
  const kept = await database.value('SELECT value FROM dead_letters WHERE "offset" = 3');
  assertEquals(Buffer.compare(kept as Buffer, bytes), 0);

  // The topic is read again from its start: the same dead letters stay single.
  assert(await store.moveOffset(SOURCE, 7n, 0n));
  await store.storeBatch(SOURCE, batch, 0n);
  assertEquals((await database.rows(COUNTS))[0], { results: 1, letters: 6 });
  // A topic made anew has other records at these offsets.
  assert(await store.moveOffset(SOURCE, 7n, 0n));
  await store.storeBatch(SOURCE, [record(3, new Uint8Array([0xfe]))], 0n);
  assertEquals((await database.rows(COUNTS))[0], { results: 1, letters: 7 });
});

Deno.test("storeBatch() reports dead letters at ERROR, which the default loglevel shows", async () => {
  await using database = await ownDatabase();
  const log = recordingLog();
  const store = new OwnStore(database.pool, { log });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, [record(0, result(1)), record(1, null), record(2, null)], 0n);
  assertEquals(log.lines, [{
    level: "error",
    fields: {
      advice: 'see "Reading a dead letter" in docs/runbook.md',
      topic: "monitoring",
      partition: 0,
      reasons: { null_value: 2 },
      firstOffset: "1",
    },
    message: 'Set records aside in the table "dead_letters"',
  }]);
});

Deno.test("storeBatch() stores nothing where the database was put back to an older copy", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await store.storeBatch(SOURCE, records(0, [result(1), result(2)]), 0n);
  await database.rows("UPDATE consumer_offsets SET next_offset = 1");
  const next = records(2, [result(3)]);
  assertEquals(await store.storeBatch(SOURCE, next, 2n), { kind: "moved", storedOffset: 1n });
  // To a copy from before the topic was ever read.
  await database.rows("DELETE FROM consumer_offsets");
  assertEquals(await store.storeBatch(SOURCE, next, 2n), { kind: "moved", storedOffset: null });
  assertEquals((await database.rows(COUNTS))[0], { results: 2, letters: 0 });
  // The caller finds its place anew, and begins at the start.
  assertEquals(await store.readOffset(SOURCE), null);
  const all = records(0, [result(1), result(2), result(3)]);
  assertEquals(
    await store.storeBatch(SOURCE, all, 0n),
    stored(3, { inserted: 1, duplicates: 2 }),
  );
});

Deno.test("storeBatch() keeps offsets by cluster, topic and partition", async () => {
  await using database = await ownDatabase();
  const store = newStore(database);
  const sources = [
    SOURCE,
    { ...SOURCE, clusterId: "other" },
    { ...SOURCE, topic: "other" },
    { ...SOURCE, partition: 1 },
  ];
  for (const [n, source] of sources.entries()) {
    assertEquals(await store.readOffset(source), null);
    await store.storeBatch(source, records(n, [result(n)]), BigInt(n));
  }
  const next = await Promise.all(sources.map((source) => store.readOffset(source)));
  assertEquals(next.map((offset) => offset?.nextOffset), [1n, 2n, 3n, 4n]);
});

Deno.test("moveOffset() moves only from where the caller saw it", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  assertEquals(await store.moveOffset(SOURCE, 5n, 0n), false);
  assertEquals(await store.moveOffset(SOURCE, 1n, 40n), true);
  assertEquals(await store.readOffset(SOURCE), {
    nextOffset: 40n,
    lastTimestamp: null,
    lastHash: null,
  });
});

Deno.test("storeBatch() by six writers at once, over the same partitions, stores each once", async () => {
  await using database = await ownDatabase({ max: 8 });
  const messages = Array.from(
    { length: 600 },
    (_, n) =>
      result(n, { url: `https://${n % 97}.example/`, agentUUID: AGENT.replace("6", `${n % 5}`) }),
  );
  const sources = [0, 1, 2].map((partition) => ({ ...SOURCE, partition }));
  await Promise.all([0, 1, 2, 3, 4, 5].map(async (writer) => {
    const store = newStore(database);
    const source = sources[writer % 3]!;
    const own = messages.filter((_, n) => n % 3 === source.partition);
    for (let start = 0; start < own.length; start += 20) {
      // As two that both hold the partition: none but the lock keeps them apart.
      const { nextOffset } = await store.readOffset(source) ?? { nextOffset: 0n };
      await store.storeBatch(
        source,
        records(start, own.slice(start, start + 20)),
        nextOffset < start ? nextOffset : BigInt(start),
      );
    }
  }));
  assertEquals((await database.rows(COUNTS))[0], { results: 600, letters: 0 });
  assertEquals(
    await database.value("SELECT sum(next_offset)::int FROM consumer_offsets"),
    600,
  );
  assertEquals(await database.value("SELECT count(*)::int FROM sites"), 97);
});

Deno.test("storeBatch() makes a partition again that was there before", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  await database.rows("DROP TABLE check_results_p20260501");
  const outcome = await store.storeBatch(SOURCE, records(1, [result(2)]), 1n);
  assertEquals(outcome, stored(2, { inserted: 1 }));
});

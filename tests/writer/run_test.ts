import { assertEquals } from "@std/assert";
import { freePort } from "../../local/ports.ts";
import { waitFor } from "../../local/wait.ts";
import { MAX_VALUE_BYTES } from "../../wire/decode.ts";
import { testDatabase } from "../support/database.ts";
import { startWriter } from "../support/program/running_writer.ts";
import { freshTopic } from "../support/stack.ts";
import {
  administer,
  makeAnew,
  produce,
  sevenFields,
  TEST_AGENT,
  type TestRecord,
} from "../support/topic_io.ts";

const ROWS = "SELECT count(*) FROM mon_daily";

function json(n: number, changes: Record<string, unknown> = {}): TestRecord {
  const fields = sevenFields(n, changes);
  return { key: fields.url, value: JSON.stringify(fields) };
}

function upTo(count: number, from = 0): TestRecord[] {
  return Array.from({ length: count }, (_, i) => json(from + i));
}

Deno.test("runWriter() stores the older program's messages: seven fields, no key", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic({ partitions: 3 });
  const writer = await startWriter(topic, database.dsn);
  const sent = [
    sevenFields(1),
    sevenFields(2, { responseCode: 500, responseTime: 999 }),
    sevenFields(3, { responseCode: null, errorMessage: "Cannot connect", regexResult: null }),
    sevenFields(4, { regexResult: true, ts: "2020-10-12 18:33:27" }),
  ];
  await produce(topic, sent.map((fields) => ({ value: JSON.stringify(fields) })));
  await database.reaches(ROWS, 4);
  const rows = await database.query(
    "SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US') AS ts, agent, url, regexresult, responsecode," +
      " responsetime, errormessage FROM mon_daily ORDER BY url",
  );
  assertEquals(
    rows,
    sent.map((fields) => ({
      ts: fields.ts.padEnd(26, ".000000"),
      agent: TEST_AGENT,
      url: fields.url,
      regexresult: fields.regexResult,
      responsecode: fields.responseCode,
      responsetime: Math.round(fields.responseTime),
      errormessage: fields.errorMessage,
    })),
  );
  const verdicts = await database.query(
    "SELECT verdict FROM check_results JOIN sites ON id = site_id ORDER BY url",
  );
  assertEquals(verdicts.map((row) => row.verdict), [0, 2, 2, 0]);
  await writer.stop();
  assertEquals(writer.complaints(), []);
});

Deno.test("runWriter() sets exactly the poison aside, with bytes, place and reason", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic({ config: { "max.message.bytes": "4000000" } });
  const { responseCode: _, ...withoutStatus } = sevenFields(100);
  const poison: [reason: string, value: string | Uint8Array | null][] = [
    ["bad_json", '{"ts": '],
    ["null_value", null],
    ["empty_value", ""],
    ["too_large", JSON.stringify(sevenFields(101, { more: "x".repeat(2 * MAX_VALUE_BYTES) }))],
    ["nul_character", JSON.stringify(sevenFields(102, { errorMessage: "a\0b" }))],
    ["wrong_type", JSON.stringify(sevenFields(103, { responseCode: "200" }))],
    ["bad_value", JSON.stringify(sevenFields(104, { responseCode: 3_000_000_000 }))],
    ["missing_field", JSON.stringify(withoutStatus)],
    ["bad_value", JSON.stringify(sevenFields(105, { ts: "10000-01-01 00:00:00.000000" }))],
    ["bad_utf8", new Uint8Array([0x7b, 0xff, 0x7d])],
  ];
  const records = poison.flatMap(([, value], i) => [
    json(10 * i + 1),
    { key: `poison-${i}`, value },
    json(10 * i + 2),
  ]);
  await produce(topic, records);
  const writer = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 2 * poison.length);
  await writer.stop();

  const letters = await database.query(
    'SELECT topic, partition, "offset"::int, key, value, reason, detail FROM dead_letters ORDER BY "offset"',
  );
  assertEquals(
    letters.map(({ detail: _detail, key, value, ...place }) => ({
      ...place,
      key: String(key),
      value: value === null ? null : value.toString("hex").slice(0, 5_000),
    })),
    poison.map(([reason, value], i) => ({
      topic,
      partition: 0,
      offset: 3 * i + 1,
      reason,
      key: `poison-${i}`,
      value: value === null ? null : Buffer.from(value as string).toString("hex").slice(0, 5_000),
    })),
  );
  const large = letters.find((letter) => letter.reason === "too_large");
  assertEquals(large.value.length, Buffer.byteLength(poison[3]![1] as string));
  assertEquals(letters.every((letter) => letter.detail.length > 0), true);
  assertEquals(await database.count("SELECT next_offset FROM consumer_offsets"), records.length);
});

Deno.test("runWriter() goes on where it stopped, and in Kafka too", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic({ partitions: 2 });
  await produce(topic, upTo(300));
  const first = await startWriter(topic, database.dsn, 50);
  await database.reaches(ROWS, 300);
  assertEquals((await first.stop()).inserted, 300);
  await produce(topic, upTo(200, 300));
  const second = await startWriter(topic, database.dsn, 50);
  await database.reaches(ROWS, 500);
  const committed = async () => {
    const [found] = await administer((admin) =>
      admin.fetchOffsets({ groupId: `group-of-${topic}`, topics: [topic] })
    );
    return found!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
  };
  await waitFor("Kafka to have all of it", async () => await committed() === 500, 60_000);
  const stats = await second.stop();
  assertEquals([stats.inserted, stats.duplicates, stats.topicsAnew], [200, 0, 0]);
  assertEquals(await database.count("SELECT sum(next_offset) FROM consumer_offsets"), 500);
  assertEquals(await committed(), 500);
});

Deno.test("runWriter() ignores the same result again and sets the same identity with other content aside", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, [json(1), json(2), json(1), json(2, { responseCode: 404 }), json(3)]);
  const writer = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 3);
  const stats = await writer.stop();
  assertEquals([stats.inserted, stats.duplicates, stats.deadLetters], [3, 1, 1]);
  const letters = await database.query('SELECT "offset"::int, reason FROM dead_letters');
  assertEquals(letters, [{ offset: 3, reason: "key_taken" }]);
});

Deno.test("runWriter() shares the partitions with others that come and go under load", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic({ partitions: 6 });
  const first = await startWriter(topic, database.dsn, 100);
  const batches = 40;
  const load = (async () => {
    for (let i = 0; i < batches; i++) await produce(topic, upTo(100, i * 100));
  })();
  await database.reaches("SELECT least(count(*), 500) FROM mon_daily", 500);
  const second = await startWriter(topic, database.dsn, 100);
  await database.reaches("SELECT least(count(*), 1500) FROM mon_daily", 1500);
  await first.stop();
  const third = await startWriter(topic, database.dsn, 100);
  await load;
  await database.reaches(ROWS, batches * 100);
  await Promise.all([second.stop(), third.stop()]);
  assertEquals(await database.count("SELECT count(*) FROM dead_letters"), 0);
  assertEquals(
    await database.count("SELECT sum(next_offset) FROM consumer_offsets"),
    batches * 100,
  );
  for (const writer of [first, second, third]) assertEquals(writer.complaints(), []);
});

Deno.test("runWriter() notices a topic made anew that is shorter, and reads it from its start", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, upTo(50));
  const before = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 50);
  await before.stop();
  await makeAnew(topic);
  await produce(topic, upTo(20, 1000));
  const after = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 70);
  const stats = await after.stop();
  assertEquals([stats.inserted, stats.topicsAnew], [20, 1]);
  assertEquals(after.complaints().length, 1);
  assertEquals(after.complaints()[0]!.level, "error");
});

Deno.test("runWriter() notices a topic made anew that is longer already", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, upTo(50));
  const before = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 50);
  await before.stop();
  await makeAnew(topic);
  await produce(topic, upTo(80, 1000));
  const after = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 130);
  const stats = await after.stop();
  assertEquals([stats.inserted, stats.topicsAnew], [80, 1]);
});

Deno.test("runWriter() notices records that the topic lost before they were read", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, upTo(10));
  const before = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 10);
  await before.stop();
  await produce(topic, upTo(20, 1000));
  await administer(async (admin) => {
    await admin.fetchTopicOffsets(topic); // loads the metadata that deleteTopicRecords needs
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "15" }] });
  });
  const after = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 25);
  const stats = await after.stop();
  assertEquals([stats.inserted, stats.expiredUnread], [15, 5]);
  assertEquals(after.complaints().length, 1);
});

Deno.test("runWriter() notices records that the topic lost before anything was stored", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, upTo(20));
  await administer(async (admin) => {
    await admin.fetchTopicOffsets(topic); // loads the metadata that deleteTopicRecords needs
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "15" }] });
  });
  const writer = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 5);
  const stats = await writer.stop();
  assertEquals([stats.inserted, stats.expiredUnread], [5, 15]);
  assertEquals(writer.complaints().map(({ level }) => level), ["error"]);
  const again = await startWriter(topic, database.dsn);
  await produce(topic, upTo(5, 1000));
  await database.reaches(ROWS, 10);
  assertEquals((await again.stop()).expiredUnread, 0);
});

Deno.test("runWriter() reads again what a database put back to an older copy lacks", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, upTo(30));
  const writer = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 30);
  // As in a copy from before offset 10: later rows are gone, and the offset stands there.
  await database.query(
    "WITH gone AS (DELETE FROM check_results WHERE ts >= (SELECT ts FROM check_results" +
      " ORDER BY ts OFFSET 10 LIMIT 1))" +
      " UPDATE consumer_offsets SET next_offset = 10, last_hash = NULL, last_timestamp = NULL",
  );
  await produce(topic, upTo(5, 1000));
  await database.reaches(ROWS, 35);
  await writer.stop();
  assertEquals(await database.count("SELECT next_offset FROM consumer_offsets"), 35);
});

Deno.test("runWriter() reads partitions that are added to the topic", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, [json(1)]);
  const writer = await startWriter(topic, database.dsn);
  await database.reaches(ROWS, 1);
  await administer((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
  // kafkajs drops what is for a partition that it does not know.
  const count = () => administer(async (admin) => (await admin.fetchTopicOffsets(topic)).length);
  await waitFor("the partitions", async () => await count().catch(() => 0) === 3, 60_000);
  await produce(topic, [0, 1, 2].map((partition) => ({ ...json(10 + partition), partition })));
  await database.reaches(ROWS, 4);
  await writer.stop();
  assertEquals(writer.complaints(), []);
});

Deno.test("runWriter() tells once of a database that is away, whatever needs it", async () => {
  const topic = await freshTopic({ partitions: 3 });
  const nobody = `127.0.0.1:${await freePort()}`;
  const writer = await startWriter(topic, `postgres://me@${nobody}/httpmon`);
  const { retries } = writer.stats;
  await waitFor("both to fail", () => retries.place! > 3 && retries.partitions! > 2, 60_000);
  await writer.stop();
  const told = writer.complaints();
  assertEquals(told.length, 1);
  assertEquals(
    told[0]!.fields.advice,
    "nobody listens there: start the database, or correct the DSN",
  );
});

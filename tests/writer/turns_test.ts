import { assert, assertEquals } from "@std/assert";
import { testDatabase } from "../support/database.ts";
import { startWriter } from "../support/program/running_writer.ts";
import { freshTopic } from "../support/stack.ts";
import { produce, sevenFields, type TestRecord } from "../support/topic_io.ts";

/** As many as fill a broker's answer, of 10 MiB, with the 1 MiB that it gives of each. */
const BACKLOG = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11];
/** Those that kafkajs, which orders them as texts, would ask for last. */
const OTHERS = [8, 9];
/** Answers that the backlog fills. */
const ROUNDS = 8;
/** Of 60 kB, of each partition: as many as a broker takes in a batch. */
const RECORDS = 15;

let sent = 0;
function result(partition: number, padding: number): TestRecord {
  const changes = { url: `https://example.com/${partition}`, padding: "x".repeat(padding) };
  return { partition, value: JSON.stringify(sevenFields(sent++, changes)) };
}

// kafkajs asks for the partitions in another order each time. (It is once in 20,000 runs that one of two
// is behind all others six times on end.)
Deno.test("runWriter() stores what came to two partitions before the backlog of ten others is stored", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic({ partitions: BACKLOG.length + OTHERS.length });
  const each = Array.from({ length: RECORDS });
  for (let round = 0; round < ROUNDS; round++) {
    await produce(topic, BACKLOG.flatMap((partition) => each.map(() => result(partition, 60_000))));
  }
  await produce(topic, OTHERS.map((partition) => result(partition, 0)));
  const writer = await startWriter(topic, database.dsn);
  await database.reaches("SELECT count(*) FROM mon_daily", sent);
  await writer.stop();
  // Transactions are numbered as they begin.
  const [{ before, after }] = await database.query(
    `WITH stored AS (
       SELECT r.xmin::text::int8 AS transaction, url = ANY ($1) AS is_other
       FROM check_results AS r JOIN sites ON sites.id = site_id
     ), last AS (SELECT max(transaction) FROM stored WHERE is_other)
     SELECT count(*) FILTER (WHERE transaction < max)::int AS before,
       count(*) FILTER (WHERE transaction > max)::int AS after
     FROM stored, last WHERE NOT is_other`,
    [OTHERS.map((partition) => `https://example.com/${partition}`)],
  );
  assertEquals(before + after, BACKLOG.length * RECORDS * ROUNDS);
  // Not with the last of it.
  assert(after > BACKLOG.length * RECORDS, `${before} came before, ${after} after`);
});

import { assert, assertEquals } from "@std/assert";
import { CompressionCodecs, CompressionTypes, Partitioners } from "kafkajs";
import { zstdCompressSync } from "node:zlib";
import { quietKafka } from "../../local/kafka/client.ts";
import { testDatabase } from "../support/database.ts";
import { startWriter } from "../support/program/running_writer.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { produce, sevenFields } from "../support/topic_io.ts";

/** Sends a batch that a broker takes, and we refuse: a zstd frame behind one that is to be skipped. */
async function sendUndecodable(topic: string, values: readonly string[]): Promise<void> {
  const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) =>
      Promise.resolve(Buffer.concat([skipped, zstdCompressSync(buffer)])),
    decompress: () => Promise.reject(new Error("Only for sending")),
  });
  const { brokers } = await kafkaForTests();
  const producer = quietKafka(brokers).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    const messages = values.map((value) => ({ value }));
    await producer.send({ topic, acks: -1, messages, compression: CompressionTypes.ZSTD });
  } finally {
    await producer.disconnect();
  }
}

const value = (n: number) => JSON.stringify(sevenFields(n));

Deno.test("runWriter() sets a batch aside that it cannot decode, and reads on behind it", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic();
  await produce(topic, [{ value: value(0) }]);
  await sendUndecodable(topic, [value(1), value(2)]);
  await produce(topic, [{ value: value(3) }]);
  await sendUndecodable(topic, [value(4)]);
  const first = await startWriter(topic, database.dsn);
  await database.reaches("SELECT count(*) FROM dead_letters", 2);
  const stats = await first.stop();
  assertEquals([stats.inserted, stats.deadLetters, stats.joins], [2, 2, 1]);
  const letters = await database.query(
    'SELECT "offset"::int, last_offset::int, reason, detail, value FROM dead_letters ORDER BY 1',
  );
  assertEquals(
    letters.map(({ offset, last_offset, reason }) => [offset, last_offset, reason]),
    [[1, 2, "bad_batch"], [4, 4, "bad_batch"]],
  );
  for (const { detail, value } of letters) {
    assert(detail.startsWith("Cannot unpack a record batch (ZSTD): "), detail);
    assert(value.length > 100);
  }
  // What is known of the last one stored is that batch, which is looked at again.
  const second = await startWriter(topic, database.dsn);
  await produce(topic, [{ value: value(5) }]);
  await database.reaches("SELECT count(*) FROM mon_daily", 3);
  const after = await second.stop();
  assertEquals([after.inserted, after.deadLetters, after.topicsAnew], [1, 0, 0]);
  assertEquals(second.complaints(), []);
});

import { assertEquals } from "@std/assert";
import type { ClientBase } from "pg";
import { advanceOffset, createOffsets, lockOffset } from "../../consume/offsets.ts";
import type { Source } from "../../consume/sink.ts";
import { recordHash } from "../../runtime/record_hash.ts";
import { type OwnDatabase, ownDatabase, SOURCE } from "../db/fixture.ts";

const FIRST = { position: 3n, first: true };
const LAST = { offset: 9n, timestamp: 77n, key: new Uint8Array([1]), value: null };
const KEPT = { lastTimestamp: 77n, lastHash: recordHash(LAST) };

async function inTransaction<T>(
  { pool }: OwnDatabase,
  work: (client: ClientBase) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } finally {
    client.release();
  }
}

/** Reads one partition, its hash as an array of numbers. */
async function read(database: OwnDatabase, source: Source) {
  const found = (await createOffsets(database.pool).read(source, [source.partition]))
    .get(source.partition);
  return found && { ...found, lastHash: found.lastHash && new Uint8Array(found.lastHash) };
}

Deno.test("lockOffset() makes a partition's offset only where it is the first", async () => {
  await using database = await ownDatabase();
  const lock = (place: Parameters<typeof lockOffset>[2]) =>
    inTransaction(database, (client) => lockOffset(client, SOURCE, place));
  assertEquals(await lock({ ...FIRST, first: false }), null);
  assertEquals(await read(database, SOURCE), undefined);
  assertEquals(await lock(FIRST), 3n);
  // Another process was first.
  assertEquals(await lock({ position: 0n, first: true }), 3n);
  await inTransaction(database, (client) => advanceOffset(client, SOURCE, LAST));
  assertEquals(await read(database, SOURCE), {
    nextOffset: 10n,
    lastTimestamp: 77n,
    lastHash: new Uint8Array(KEPT.lastHash),
  });
});

Deno.test("Offsets.read() reads many partitions of one consumer's topic together", async () => {
  await using database = await ownDatabase();
  const sources = [
    SOURCE,
    { ...SOURCE, partition: 1 },
    { ...SOURCE, partition: 2 },
    { ...SOURCE, consumer: "another", partition: 3 },
    { ...SOURCE, clusterId: "another", partition: 3 },
    { ...SOURCE, topic: "another", partition: 3 },
  ];
  for (const [n, source] of sources.entries()) {
    const place = { position: BigInt(n), first: true };
    await inTransaction(database, (client) => lockOffset(client, source, place));
  }
  const found = await createOffsets(database.pool).read(SOURCE, [0, 2, 3]);
  assertEquals([...found].map(([partition, { nextOffset }]) => [partition, nextOffset]).sort(), [
    [0, 0n],
    [2, 2n],
  ]);
});

Deno.test("Offsets.move() moves only from where it is, and keeps the last record or forgets it", async () => {
  await using database = await ownDatabase();
  const { move } = createOffsets(database.pool);
  await inTransaction(database, async (client) => {
    await lockOffset(client, SOURCE, FIRST);
    await advanceOffset(client, SOURCE, LAST);
  });
  const kept = { lastTimestamp: 77n, lastHash: new Uint8Array(KEPT.lastHash) };
  assertEquals(await move(SOURCE, 9n, 20n, true), false);
  assertEquals(await read(database, SOURCE), { nextOffset: 10n, ...kept });
  assertEquals(await move(SOURCE, 10n, 20n, true), true);
  assertEquals(await read(database, SOURCE), { nextOffset: 20n, ...kept });
  assertEquals(await move(SOURCE, 20n, 0n, false), true);
  assertEquals(await read(database, SOURCE), {
    nextOffset: 0n,
    lastTimestamp: null,
    lastHash: null,
  });
});

import { assertEquals } from "@std/assert";
import { actedPartition } from "./acted_partition.ts";

Deno.test("PartitionReader.look() reads again what a database put back lacks, with nothing new", async () => {
  const { reader, look, state, fetched, errors } = actedPartition({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 9n)), 9n);
  await look();
  assertEquals(state.seeks, [0n]);
  state.stored = { nextOffset: 4n, lastHash: null, lastTimestamp: null };
  await look();
  assertEquals(state.seeks, [0n, 4n]);
  assertEquals(errors().length, 1);
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  assertEquals(state.stored?.nextOffset, 9n);
});

Deno.test("PartitionReader.look() notices a database that has no offset any more", async () => {
  const { reader, look, state, fetched } = actedPartition({ stored: null, high: 9n });
  await reader.prepare();
  // Nothing was stored yet, so nothing is missing.
  await look();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  state.stored = null;
  await look();
  assertEquals(state.seeks, [0n, 0n]);
});

Deno.test("PartitionReader.recheck() reads the last stored record again, and asks nobody", async () => {
  const { reader, state, stats, fetched, errors } = actedPartition({ stored: 5n, high: 12n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  state.bounds = { low: 0n, high: 0n };
  reader.recheck();
  // Again before that fetch was answered: it will tell.
  reader.recheck();
  assertEquals(state.seeks, [4n, 8n]);
  assertEquals(await reader.take(fetched(8n, 12n)), 12n);
  assertEquals(state.stores, [5n, 6n, 7n, 8n, 9n, 10n, 11n]);
  assertEquals([stats.topicsAnew, errors()], [0, []]);
});

Deno.test("PartitionReader.recheck() notices a topic made anew, of which nothing was seen yet", async () => {
  const { reader, state, stats, fetched } = actedPartition({ stored: 5n, high: 12n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  reader.recheck();
  state.topic = "anew";
  assertEquals(await reader.take(fetched(8n, 12n)), null);
  assertEquals(state.seeks, [4n, 8n, 0n]);
  assertEquals(stats.topicsAnew, 1);
});

Deno.test("PartitionReader.recheck() does nothing while records are stored", async () => {
  const { reader, state, fetched } = actedPartition({ stored: 5n, high: 12n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  const taking = reader.take(fetched(9n, 12n));
  reader.recheck();
  assertEquals(await taking, 12n);
  assertEquals(state.seeks, [4n]);
});

Deno.test("PartitionReader.recheck() makes no fetch in vain where nothing is stored yet", async () => {
  const { reader, state, fetched } = actedPartition({ stored: null, low: 3n, high: 9n });
  await reader.prepare();
  reader.recheck();
  await reader.prepared();
  assertEquals(state.seeks, [3n]);
  state.bounds = { low: 0n, high: 5n };
  reader.recheck();
  await reader.prepared();
  assertEquals(state.seeks, [3n, 0n]);
  assertEquals(await reader.take(fetched(0n, 5n)), 5n);
});

Deno.test("PartitionReader goes on where retention took the last stored record alone", async () => {
  const { reader, state, stats, fetched, errors } = actedPartition({ stored: 5n, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  reader.recheck();
  // The broker has no offset 8 any more, so kafkajs goes on at the start.
  state.bounds = { low: 9n, high: 12n };
  assertEquals(await reader.take(fetched(9n, 12n)), 12n);
  assertEquals(state.seeks, [4n, 8n]);
  assertEquals([stats.expiredUnread, errors()], [0, []]);
});

Deno.test("PartitionReader.look() notices a topic made anew that ends before the last stored record", async () => {
  const { reader, look, state, stats, fetched } = actedPartition({ stored: 5n, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  reader.recheck();
  // A fetch from offset 8 is answered with nothing, and no error.
  state.bounds = { low: 0n, high: 8n };
  await look();
  assertEquals(stats.topicsAnew, 0);
  await look();
  assertEquals(stats.topicsAnew, 1);
  assertEquals(state.seeks, [4n, 8n, 0n]);
});

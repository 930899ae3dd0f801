import { assertEquals } from "@std/assert";
import { actedPartition } from "../acted_partition.ts";

Deno.test("PartitionReader stores what follows the last stored record", async () => {
  const { reader, state, fetched, errors } = actedPartition({ stored: 5n, high: 9n });
  await reader.prepare();
  assertEquals(state.seeks, [4n]);
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  assertEquals(state.stores, [5n, 6n, 7n, 8n]);
  assertEquals(errors(), []);
});

Deno.test("PartitionReader reads a topic made anew from its start", async () => {
  const { reader, state, stats, fetched, errors } = actedPartition({
    stored: 5n,
    high: 9n,
    topic: "anew",
  });
  await reader.prepare();
  assertEquals(await reader.take(fetched(4n, 9n)), null);
  assertEquals(state.seeks, [4n, 0n]);
  assertEquals(await reader.take(fetched(0n, 9n)), 9n);
  assertEquals(state.stores.length, 9);
  assertEquals([stats.topicsAnew, errors().length], [1, 1]);
});

Deno.test("PartitionReader looks again where another writer moved the stored offset first", async () => {
  const { reader, state, stats, fetched, errors } = actedPartition({ stored: 50n, high: 9n });
  state.beforeMove = () => {
    // The other writer found the topic made anew as well, and has stored three records since.
    state.stored = { nextOffset: 3n, lastHash: null, lastTimestamp: null };
  };
  await reader.prepare();
  assertEquals(state.seeks, [3n]);
  assertEquals(await reader.take(fetched(3n, 9n)), 9n);
  assertEquals(state.stores, [3n, 4n, 5n, 6n, 7n, 8n]);
  // Who moved it has said so.
  assertEquals([stats.topicsAnew, errors()], [0, []]);
});

Deno.test("PartitionReader looks again where the offset of a topic made anew was moved first", async () => {
  const { reader, state, stats, fetched } = actedPartition({ stored: 5n, high: 9n, topic: "anew" });
  await reader.prepare();
  state.beforeMove = () => {
    state.stored = { nextOffset: 2n, lastHash: null, lastTimestamp: null };
  };
  assertEquals(await reader.take(fetched(4n, 9n)), null);
  assertEquals(state.seeks, [4n, 2n]);
  assertEquals(await reader.take(fetched(2n, 9n)), 9n);
  assertEquals(state.stores, [2n, 3n, 4n, 5n, 6n, 7n, 8n]);
  assertEquals(stats.topicsAnew, 0);
});

Deno.test("PartitionReader counts records that were deleted unread once", async () => {
  const { reader, state, stats, errors } = actedPartition({ stored: 5n, low: 8n, high: 20n });
  await reader.prepare();
  assertEquals(state.seeks, [8n]);
  assertEquals([stats.expiredUnread, errors().length], [3, 1]);
});

Deno.test("PartitionReader notices a topic made anew behind a gap", async () => {
  const { reader, state, stats, fetched } = actedPartition({ stored: 5n, low: 8n, high: 20n });
  await reader.prepare();
  // Before anything of it was stored.
  state.topic = "anew";
  state.bounds = { low: 0n, high: 30n };
  reader.recheck();
  await reader.prepared();
  assertEquals(state.seeks, [8n, 7n]);
  assertEquals(await reader.take(fetched(7n, 30n)), null);
  assertEquals(state.seeks, [8n, 7n, 0n]);
  assertEquals([stats.expiredUnread, stats.topicsAnew], [3, 1]);
});

Deno.test("PartitionReader stores what a fetch brought in batches of its most records", async () => {
  const { reader, stats, fetched } = actedPartition({ stored: null, high: 1_000n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 250n)), 250n);
  assertEquals(stats.batches, 3);
});

Deno.test("PartitionReader takes a jump for Kafka's own offsets only when it comes twice", async () => {
  const { reader, state, fetched, errors } = actedPartition({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  assertEquals(await reader.take(fetched(5n, 7n)), null);
  assertEquals(state.seeks, [0n, 3n]);
  assertEquals(await reader.take(fetched(5n, 7n)), 7n);
  assertEquals(state.stores, [0n, 1n, 2n, 5n, 6n]);
  assertEquals(errors(), []);
});

Deno.test("PartitionReader goes back where a jump left records out", async () => {
  const { reader, state, fetched } = actedPartition({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  assertEquals(await reader.take(fetched(5n, 7n)), null);
  assertEquals(await reader.take(fetched(3n, 9n)), 9n);
  assertEquals(state.stores, [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
});

Deno.test("PartitionReader finds the place anew where the read position went back", async () => {
  const { reader, state, fetched, errors } = actedPartition({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  assertEquals(await reader.take(fetched(0n, 2n)), null);
  assertEquals(state.seeks, [0n, 3n]);
  assertEquals(errors(), ["The read position was moved, finding the place anew"]);
});

Deno.test("PartitionReader moves and seeks nothing once its assignment has ended", async () => {
  const { reader, state, controller } = actedPartition({ stored: 50n, high: 9n });
  state.beforeMove = () => {
    throw new Error("the stored offset was moved");
  };
  const preparing = reader.prepare();
  controller.abort();
  await preparing;
  assertEquals(state.seeks, []);
  assertEquals(state.stored?.nextOffset, 50n);
});

Deno.test("PartitionReader counts once what was deleted before anything was stored", async () => {
  const { reader, state, stats, fetched, errors } = actedPartition({
    stored: null,
    low: 7n,
    high: 20n,
  });
  await reader.prepare();
  await reader.prepare();
  // Retention goes on, until there is something to store.
  assertEquals(stats.expiredUnread, 0);
  state.bounds = { low: 8n, high: 20n };
  await reader.prepare();
  assertEquals(await reader.take(fetched(8n, 12n)), 12n);
  assertEquals(await reader.take(fetched(12n, 20n)), 20n);
  assertEquals([stats.expiredUnread, errors().length], [8, 1]);
});

Deno.test("PartitionReader does not count what another writer found deleted", async () => {
  const { reader, state, stats, fetched, errors } = actedPartition({
    stored: null,
    low: 7n,
    high: 20n,
  });
  await reader.prepare();
  state.stored = { nextOffset: 9n, lastHash: null, lastTimestamp: null };
  assertEquals(await reader.take(fetched(7n, 12n)), 12n);
  assertEquals([stats.expiredUnread, errors()], [0, []]);
});

/** A partition that begins at 7, whose first COMMIT does what `meanwhile` says and gets no reply. */
async function cutCommit(meanwhile: (state: ReturnType<typeof actedPartition>["state"]) => void) {
  const acted = actedPartition({ stored: null, low: 7n, high: 20n });
  const { reader, state, clock, fetched } = acted;
  await reader.prepare();
  state.afterStore = () => {
    state.afterStore = () => {};
    meanwhile(state);
    throw new Error("Connection terminated unexpectedly");
  };
  const taken = reader.take(fetched(7n, 12n));
  await clock.advance(1_000);
  await taken;
  return { ...acted, counted: () => acted.stats.expiredUnread };
}

Deno.test("PartitionReader counts what was deleted where the first COMMIT's reply is cut", async () => {
  const { reader, fetched, state, counted, stats } = await cutCommit(() => {});
  assertEquals(counted(), 7);
  assertEquals(await reader.take(fetched(12n, 20n)), 20n);
  assertEquals([counted(), stats.skipped, state.stores.length], [7, 5, 13]);
});

Deno.test("PartitionReader counts what was deleted once where the first COMMIT fails", async () => {
  const { reader, fetched, counted } = await cutCommit((state) => state.stored = null);
  assertEquals(counted(), 7);
  assertEquals(await reader.take(fetched(12n, 20n)), 20n);
  assertEquals(counted(), 7);
});

Deno.test("PartitionReader does not count what another writer counted between two tries", async () => {
  const { counted } = await cutCommit((state) =>
    state.stored = { nextOffset: 15n, lastHash: null, lastTimestamp: null }
  );
  assertEquals(counted(), 0);
});

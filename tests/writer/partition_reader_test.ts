import { assertEquals } from "@std/assert";
import { recordHash, type StoredOffset } from "../../db/offsets.ts";
import type { ResultStore, StoreOutcome } from "../../db/store.ts";
import { PartitionReader } from "../../writer/partition_reader.ts";
import { newWriterStats } from "../../writer/stats.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { sevenFields } from "../support/topic_io.ts";

/** A partition's log and a store, both in memory, as the reader sees them. */
function setUp(options: { stored: bigint | null; low?: bigint; high: bigint; topic?: string }) {
  const { low = 0n, high, topic = "first" } = options;
  const record = (offset: bigint, of = topic) => ({
    offset,
    timestamp: offset,
    key: new TextEncoder().encode(of),
    value: new TextEncoder().encode(JSON.stringify(sevenFields(Number(offset)))),
  });
  const offsetAt = (next: bigint): StoredOffset => ({
    nextOffset: next,
    lastHash: next > 0n ? recordHash(record(next - 1n, "first")) : null,
    lastTimestamp: next > 0n ? next - 1n : null,
  });
  const state = {
    stored: options.stored === null ? null : offsetAt(options.stored),
    bounds: { low, high },
    stores: [] as bigint[],
    seeks: [] as bigint[],
    /** Called before the store moves the offset; may change what is stored. */
    beforeMove: () => {},
  };
  const store: ResultStore = {
    readOffset: () => Promise.resolve(state.stored),
    moveOffset(_source, from, to) {
      state.beforeMove();
      if (state.stored?.nextOffset !== from) return Promise.resolve(false);
      state.stored = { nextOffset: to, lastHash: null, lastTimestamp: null };
      return Promise.resolve(true);
    },
    ensurePartitionsAhead: () => Promise.resolve(0),
    storeBatch(_source, records, position): Promise<StoreOutcome> {
      const at = state.stored?.nextOffset ?? position;
      if (at < position) return Promise.resolve({ kind: "moved", storedOffset: at });
      const fresh = records.filter(({ offset }) => offset >= at);
      state.stores.push(...fresh.map(({ offset }) => offset));
      const nextOffset = fresh.length > 0 ? fresh.at(-1)!.offset + 1n : at;
      state.stored = { nextOffset, lastHash: null, lastTimestamp: null };
      return Promise.resolve({
        kind: "stored",
        inserted: fresh.length,
        duplicates: 0,
        deadLetters: 0,
        skipped: records.length - fresh.length,
        nextOffset,
      });
    },
  };
  const clock = new FakeClock();
  const log = recordingLog();
  const stats = newWriterStats(0);
  const controller = new AbortController();
  const reader = new PartitionReader({ clusterId: "c", topic: "t", partition: 0 }, {
    store,
    stats,
    clock,
    log,
    progress: { position: null, end: null, failing: null },
    maxBatchMessages: 100,
    signal: controller.signal,
    bounds: () => Promise.resolve(state.bounds),
    seek: (offset) => state.seeks.push(offset),
    storeFailed: () => {},
    spells: { place: { told: false }, store: { told: false } },
  });
  return {
    state,
    reader,
    stats,
    controller,
    errors: () => log.lines.filter(({ level }) => level === "error").map(({ message }) => message),
    /** As kafkajs would hand over a fetch of the records from `from` on. */
    fetched: (from: bigint, to: bigint, fetchedFrom = from) => ({
      fetchedFrom,
      nextOffset: to,
      records: Array.from({ length: Number(to - from) }, (_, i) => record(from + BigInt(i))),
    }),
  };
}

Deno.test("PartitionReader stores what follows the last stored record", async () => {
  const { reader, state, fetched, errors } = setUp({ stored: 5n, high: 9n });
  await reader.prepare();
  assertEquals(state.seeks, [4n]);
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  assertEquals(state.stores, [5n, 6n, 7n, 8n]);
  assertEquals(errors(), []);
});

Deno.test("PartitionReader reads a topic made anew from its start", async () => {
  const { reader, state, stats, fetched, errors } = setUp({ stored: 5n, high: 9n, topic: "anew" });
  await reader.prepare();
  assertEquals(await reader.take(fetched(4n, 9n)), null);
  assertEquals(state.seeks, [4n, 0n]);
  assertEquals(await reader.take(fetched(0n, 9n)), 9n);
  assertEquals(state.stores.length, 9);
  assertEquals([stats.topicsAnew, errors().length], [1, 1]);
});

Deno.test("PartitionReader looks again where another writer moved the stored offset first", async () => {
  const { reader, state, stats, fetched, errors } = setUp({ stored: 50n, high: 9n });
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
  const { reader, state, stats, fetched } = setUp({ stored: 5n, high: 9n, topic: "anew" });
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
  const { reader, state, stats, errors } = setUp({ stored: 5n, low: 8n, high: 20n });
  await reader.prepare();
  assertEquals(state.seeks, [8n]);
  assertEquals([stats.expiredUnread, errors().length], [3, 1]);
});

Deno.test("PartitionReader takes a jump for Kafka's own offsets only when it comes twice", async () => {
  const { reader, state, fetched, errors } = setUp({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  assertEquals(await reader.take(fetched(5n, 7n)), null);
  assertEquals(state.seeks, [0n, 3n]);
  assertEquals(await reader.take(fetched(5n, 7n)), 7n);
  assertEquals(state.stores, [0n, 1n, 2n, 5n, 6n]);
  assertEquals(errors(), []);
});

Deno.test("PartitionReader goes back where a jump left records out", async () => {
  const { reader, state, fetched } = setUp({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  assertEquals(await reader.take(fetched(5n, 7n)), null);
  assertEquals(await reader.take(fetched(3n, 9n)), 9n);
  assertEquals(state.stores, [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
});

Deno.test("PartitionReader finds the place anew where the read position went back", async () => {
  const { reader, state, fetched, errors } = setUp({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  assertEquals(await reader.take(fetched(0n, 2n)), null);
  assertEquals(state.seeks, [0n, 3n]);
  assertEquals(errors(), ["The read position was moved, finding the place anew"]);
});

Deno.test("PartitionReader moves and seeks nothing once its assignment has ended", async () => {
  const { reader, state, controller } = setUp({ stored: 50n, high: 9n });
  state.beforeMove = () => {
    throw new Error("the stored offset was moved");
  };
  const preparing = reader.prepare();
  controller.abort();
  await preparing;
  assertEquals(state.seeks, []);
  assertEquals(state.stored?.nextOffset, 50n);
});

Deno.test("PartitionReader.look() reads again what a database put back lacks, with nothing new", async () => {
  const { reader, state, fetched, errors } = setUp({ stored: null, high: 9n });
  await reader.prepare();
  assertEquals(await reader.take(fetched(0n, 9n)), 9n);
  await reader.look();
  assertEquals(state.seeks, [0n]);
  state.stored = { nextOffset: 4n, lastHash: null, lastTimestamp: null };
  await reader.look();
  assertEquals(state.seeks, [0n, 4n]);
  assertEquals(errors().length, 1);
  assertEquals(await reader.take(fetched(4n, 9n)), 9n);
  assertEquals(state.stored?.nextOffset, 9n);
});

Deno.test("PartitionReader.look() notices a database that has no offset any more", async () => {
  const { reader, state, fetched } = setUp({ stored: null, high: 9n });
  await reader.prepare();
  // Nothing was stored yet, so nothing is missing.
  await reader.look();
  assertEquals(await reader.take(fetched(0n, 3n)), 3n);
  state.stored = null;
  await reader.look();
  assertEquals(state.seeks, [0n, 0n]);
});

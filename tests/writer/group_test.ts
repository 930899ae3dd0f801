import { assert, assertEquals } from "@std/assert";
import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import { recordHash, type StoredOffset } from "../../db/offsets.ts";
import type { ResultStore, StoreOutcome } from "../../db/store/store.ts";
import { sleep } from "../../runtime/clock.ts";
import { Group } from "../../writer/group.ts";
import { newWriterStats } from "../../writer/stats.ts";
import { loadedConfig } from "../support/config.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { sevenFields } from "../support/topic_io.ts";

const FETCHED = 100;

interface Acting {
  partitions?: number;
  /** Milliseconds that each takes. */
  times?: { admin?: number; fetch?: number; store?: number };
  stored?: bigint | null;
}

/** A group whose consumer, broker and store are acted out; `high` is each partition's end. */
function setUp({ partitions = 1, times = {}, stored = null }: Acting) {
  const clock = new FakeClock();
  const log = recordingLog();
  const stats = newWriterStats(clock.monotonic());
  const stop = new AbortController();
  const state = {
    high: new Map(Array.from({ length: partitions }, (_, i) => [i, 1_000_000n])),
    stored: new Map<number, StoredOffset>(),
    /** What a record's key says: another one is another topic. */
    topic: "first",
    looks: 0,
    fetches: 0,
    dropped: 0,
    offsets: [] as bigint[],
    beforeReadOffset: (_partition: number) => Promise.resolve(),
    beforeBounds: () => Promise.resolve(),
  };
  const wait = (ms = 0) => ms > 0 ? sleep(clock, ms, stop.signal) : Promise.resolve();
  const record = (offset: bigint) => ({
    offset: String(offset),
    timestamp: String(offset),
    key: new TextEncoder().encode(state.topic),
    value: new TextEncoder().encode(JSON.stringify(sevenFields(Number(offset)))),
  });
  const storedAt = (nextOffset: bigint): StoredOffset => ({
    nextOffset,
    lastTimestamp: nextOffset - 1n,
    lastHash: recordHash(record(nextOffset - 1n)),
  });
  if (stored !== null) {
    for (let i = 0; i < partitions; i++) state.stored.set(i, storedAt(stored));
  }

  const handlers = new Map<string, ((event: { payload: unknown }) => void)[]>();
  const events = { FETCH_START: "start", FETCH: "end", GROUP_JOIN: "join", REBALANCING: "off" };
  const seeks = new Map<number, bigint>();
  const consumer = {
    events,
    on: (name: string, handler: (event: { payload: unknown }) => void) => {
      handlers.set(name, [...handlers.get(name) ?? [], handler]);
    },
    seek: ({ partition, offset }: { partition: number; offset: string }) => {
      seeks.set(partition, BigInt(offset));
    },
    commitOffsets: () => Promise.resolve(),
  };
  const emit = (name: keyof typeof events, payload: unknown) => {
    for (const handler of handlers.get(events[name]) ?? []) handler({ payload });
  };
  const kafka = {
    admin: () => ({
      connect: () => {
        state.looks++;
        return wait(times.admin);
      },
      describeCluster: () => Promise.resolve({ clusterId: "c" }),
      fetchTopicOffsets: async () => {
        const bounds = [...state.high].map(([partition, high]) => ({
          partition,
          low: "0",
          high: String(high),
        }));
        await state.beforeBounds();
        return bounds;
      },
      disconnect: () => Promise.resolve(),
    }),
  };
  const store: ResultStore = {
    async readOffset({ partition }) {
      const found = state.stored.get(partition) ?? null;
      await state.beforeReadOffset(partition);
      return state.stored.get(partition) ?? found;
    },
    moveOffset({ partition }, from, nextOffset) {
      if (state.stored.get(partition)?.nextOffset !== from) return Promise.resolve(false);
      state.stored.set(partition, { nextOffset, lastHash: null, lastTimestamp: null });
      return Promise.resolve(true);
    },
    ensurePartitionsAhead: () => Promise.resolve(0),
    async storeBatch({ partition }, records): Promise<StoreOutcome> {
      await wait(times.store);
      state.offsets.push(...records.map(({ offset }) => offset));
      const last = records.at(-1)!;
      const nextOffset = last.offset + 1n;
      state.stored.set(partition, {
        nextOffset,
        lastHash: recordHash(last),
        lastTimestamp: last.timestamp,
      });
      const none = { duplicates: 0, deadLetters: 0, skipped: 0 };
      return { kind: "stored", inserted: records.length, ...none, nextOffset };
    },
  };
  const group = new Group(consumer as unknown as Consumer, "c", {
    kafka: kafka as unknown as Kafka,
    config: loadedConfig("writer", {
      kafka: { monitoring: { topic: "t" } },
      database: { dsn: "postgres://127.0.0.1/never_used" },
    }).kafka,
    store,
    stats,
    clock,
    log,
    signal: stop.signal,
    maxBatchMessages: 5_000,
    fail: (error) => log.error({ error }, "The consumer failed"),
  });

  /** As kafkajs does with a backlog in partition 0: fetch, hand over, fetch. */
  async function consume(): Promise<void> {
    let position = 0n;
    const takeSeek = () => {
      position = seeks.get(0) ?? position;
      seeks.delete(0);
    };
    while (!stop.signal.aborted) {
      state.fetches++;
      emit("FETCH_START", { nodeId: 1 });
      takeSeek();
      const from = position;
      await wait(times.fetch);
      const messages = Array.from({ length: FETCHED }, (_, i) => record(from + BigInt(i)));
      emit("FETCH", { nodeId: 1 });
      if (!seeks.has(0)) {
        await group.eachBatch({
          batch: {
            partition: 0,
            highWatermark: String(state.high.get(0)),
            fetchedOffset: String(from),
            lastOffset: () => messages.at(-1)!.offset,
            messages,
          },
          heartbeat: () => Promise.resolve(),
          isStale: () => seeks.has(0),
          resolveOffset: (offset: string) => position = BigInt(offset) + 1n,
        } as unknown as EachBatchPayload);
      }
      if (seeks.has(0)) state.dropped++;
      // A fetch that costs nothing would never let the clock go on.
      await wait(1);
    }
  }

  const join = () => {
    const assigned = Array.from({ length: partitions }, (_, i) => i);
    emit("GROUP_JOIN", { memberAssignment: { t: assigned } });
  };
  const end = () => {
    group.leave();
    stop.abort();
  };
  return {
    state,
    stats,
    seeks,
    clock,
    join,
    end,
    /** Joins and consumes for `ms`, calling `meanwhile` every 10 ms. */
    async run(ms: number, meanwhile: () => void = () => {}) {
      join();
      const consuming = consume();
      for (let passed = 0; passed < ms; passed += 10) {
        await clock.advance(10);
        meanwhile();
      }
      end();
      await consuming.catch(() => {}); // kafkajs is told to join again
    },
    errors: () => log.lines.filter(({ level }) => level === "error").map(({ message }) => message),
  };
}

Deno.test("Group stores a backlog where finding the place takes far longer than a fetch", async () => {
  for (const stored of [null, 500n]) {
    const { state, run, errors } = setUp({ times: { admin: 3_000, fetch: 100 }, stored });
    await run(12_000);
    const first = stored ?? 0n;
    assert(state.offsets.length > 4_000, `${state.offsets.length} records in 12 s`);
    assertEquals(state.offsets, state.offsets.map((_, i) => first + BigInt(i)));
    assert(state.dropped <= 1, `${state.dropped} fetches were in vain`);
    assertEquals(errors(), []);
  }
});

Deno.test("Group looks again after each slow transaction, with no fetch in vain and no admin", async () => {
  const { state, run, errors } = setUp({ times: { fetch: 20, store: 3_000 }, stored: 500n });
  await run(30_000);
  // The first fetch of all was under way when the place was found.
  assert(state.dropped <= 1, `${state.dropped} fetches were in vain`);
  assertEquals(state.looks, 1);
  assertEquals(state.offsets, state.offsets.map((_, i) => 500n + BigInt(i)));
  assert(state.offsets.length > 8 * FETCHED, `${state.offsets.length} records in 30 s`);
  assertEquals(errors(), []);
});

Deno.test("Group notices a topic made anew while no fetch was under way", async () => {
  const { state, stats, run } = setUp({ times: { fetch: 20, store: 3_000 }, stored: 500n });
  await run(30_000, () => {
    if (state.offsets.length > 2 * FETCHED) state.topic = "anew";
  });
  assertEquals(stats.topicsAnew, 1);
  const start = state.offsets.indexOf(0n);
  const anew = state.offsets.slice(start);
  assert(anew.length > FETCHED);
  assertEquals(anew, anew.map((_, i) => BigInt(i)));
});

Deno.test("Group holds a stored offset against no end that was asked for before it was read", async () => {
  const { state, stats, join, end, seeks, clock, errors } = setUp({ partitions: 2, stored: 500n });
  state.high = new Map([[0, 500n], [1, 500n]]);
  const bounds = Promise.withResolvers<void>();
  const offset = Promise.withResolvers<void>();
  state.beforeBounds = () => bounds.promise;
  state.beforeReadOffset = (partition) => partition === 1 ? offset.promise : Promise.resolve();
  join();
  await clock.advance(10);
  assertEquals(state.looks, 1);
  // Meanwhile another writer stores what is new in partition 1.
  state.high.set(1, 900n);
  state.stored.set(1, { nextOffset: 900n, lastHash: new Uint8Array(32), lastTimestamp: 1n });
  offset.resolve();
  await clock.advance(10);
  bounds.resolve();
  await clock.advance(10);
  assertEquals([...seeks].sort(), [[0, 499n], [1, 899n]]);
  assertEquals([stats.topicsAnew, errors()], [0, []]);
  end();
});

Deno.test("Group asks once for the places of partitions that are found together", async () => {
  const { state, join, end, seeks, clock } = setUp({
    partitions: 30,
    stored: 500n,
    times: { admin: 50 },
  });
  join();
  await clock.advance(100);
  assertEquals([seeks.size, state.looks], [30, 1]);
  end();
});

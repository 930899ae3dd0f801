import { assert, assertEquals } from "@std/assert";
import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import { Group } from "../../consume/group.ts";
import type { Offsets, StoredOffset } from "../../consume/offsets.ts";
import type { Sink } from "../../consume/sink.ts";
import { newConsumerStats } from "../../consume/stats.ts";
import { sleep } from "../../runtime/clock.ts";
import { Spell } from "../../runtime/log/spell.ts";
import { recordHash } from "../../runtime/record_hash.ts";
import { loadedConfig } from "../support/config.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";

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
  const stats = newConsumerStats(clock.monotonic());
  const stop = new AbortController();
  const state = {
    high: new Map(Array.from({ length: partitions }, (_, i) => [i, 1_000_000n])),
    stored: new Map<number, StoredOffset>(),
    /** What a record's key says: another one is another topic. */
    topic: "first",
    looks: 0,
    batches: 0,
    dropped: 0,
    paused: new Set<number>(),
    offsets: [] as bigint[],
    committed: new Map<number, string>(),
    beforeRead: () => Promise.resolve(),
    beforeBounds: () => Promise.resolve(),
    beforeStore: (_partition: number): Promise<void> => Promise.resolve(),
  };
  const wait = (ms = 0) => ms > 0 ? sleep(clock, ms, stop.signal) : Promise.resolve();
  const record = (offset: bigint) => ({
    offset: String(offset),
    timestamp: String(offset),
    key: new TextEncoder().encode(state.topic),
    value: new TextEncoder().encode(String(offset)),
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
  const events = {
    FETCH_START: "start",
    FETCH: "end",
    GROUP_JOIN: "join",
    REBALANCING: "off",
    STOP: "",
  };
  const seeks = new Map<number, bigint>();
  const consumer = {
    events,
    on: (name: string, handler: (event: { payload: unknown }) => void) => {
      handlers.set(name, [...handlers.get(name) ?? [], handler]);
    },
    seek: ({ partition, offset }: { partition: number; offset: string }) => {
      seeks.set(partition, BigInt(offset));
    },
    pause: ([{ partitions }]: [{ partitions: number[] }]) => {
      for (const partition of partitions) state.paused.add(partition);
    },
    resume: ([{ partitions }]: [{ partitions: number[] }]) => {
      for (const partition of partitions) state.paused.delete(partition);
    },
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
  const offsets: Offsets = {
    async read(_topic, partitions) {
      await state.beforeRead();
      return new Map([...state.stored].filter(([partition]) => partitions.includes(partition)));
    },
    move({ partition }, from, nextOffset) {
      if (state.stored.get(partition)?.nextOffset !== from) return Promise.resolve(false);
      state.stored.set(partition, { nextOffset, lastHash: null, lastTimestamp: null });
      return Promise.resolve(true);
    },
  };
  const sink: Sink = {
    async store({ partition }, records) {
      await wait(times.store);
      await state.beforeStore(partition);
      state.batches++;
      state.offsets.push(...records.map(({ offset }) => offset));
      const last = records.at(-1)!;
      const nextOffset = last.offset + 1n;
      state.stored.set(partition, {
        nextOffset,
        lastHash: recordHash(last),
        lastTimestamp: last.timestamp,
      });
      return { kind: "stored", skipped: 0, nextOffset };
    },
  };
  const spell = new Spell(clock);
  const group = new Group(consumer as unknown as Consumer, "c", {
    consumer: "x",
    kafka: kafka as unknown as Kafka,
    config: loadedConfig("writer", {
      kafka: { monitoring: { topic: "t" } },
      database: { dsn: "postgres://127.0.0.1/never_used" },
    }).kafka,
    sink,
    spell: () => spell,
    offsets,
    stats,
    clock,
    log,
    signal: stop.signal,
    maxBatchRecords: 5_000,
    advise: () => null,
    stored: () => {},
    fail: (error) => log.error({ error }, "The consumer failed"),
  });

  /** Hands over a fetch of `partition` from `from` on, as kafkajs does. */
  function hand(partition: number, from: bigint): Promise<void> {
    const messages = Array.from({ length: FETCHED }, (_, i) => record(from + BigInt(i)));
    return group.eachBatch({
      batch: {
        partition,
        highWatermark: String(state.high.get(partition)),
        fetchedOffset: String(from),
        lastOffset: () => messages.at(-1)!.offset,
        messages,
      },
      isStale: () => seeks.has(partition),
      commitOffsetsIfNecessary: ({ topics: [{ partitions }] }: {
        topics: [{ partitions: { partition: number; offset: string }[] }];
      }) => {
        for (const { partition, offset } of partitions) state.committed.set(partition, offset);
        return Promise.resolve();
      },
    } as unknown as EachBatchPayload);
  }

  /** As kafkajs does with a backlog in partition 0: fetch, hand over, fetch. */
  async function consume(): Promise<void> {
    let position = 0n;
    while (!stop.signal.aborted) {
      emit("FETCH_START", { nodeId: 1 });
      position = seeks.get(0) ?? position;
      seeks.delete(0);
      const paused = state.paused.has(0);
      await wait(times.fetch);
      emit("FETCH", { nodeId: 1 });
      const inVain = state.batches;
      if (!paused && !state.paused.has(0)) {
        if (!seeks.has(0)) await hand(0, position);
        if (state.batches === inVain && !state.paused.has(0) && !stop.signal.aborted) {
          state.dropped++;
        }
      }
      // A fetch that costs nothing would never let the clock go on.
      await wait(1);
    }
  }

  const join = () => {
    const assigned = Array.from({ length: partitions }, (_, i) => i);
    emit("GROUP_JOIN", { memberAssignment: { t: assigned } });
  };
  const end = () => {
    void group.leave();
    stop.abort();
  };
  return {
    state,
    stats,
    seeks,
    clock,
    group,
    hand,
    join,
    end,
    /** Joins, with the place found; batches are not stored until what is given is called. */
    async joinHolding() {
      const held = Promise.withResolvers<void>();
      state.beforeStore = () => held.promise;
      join();
      await clock.advance(10);
      seeks.clear();
      return held.resolve;
    },
    /** Joins and consumes for `ms`, calling `meanwhile` every 10 ms. */
    async run(ms: number, meanwhile: () => void = () => {}) {
      join();
      const consuming = consume();
      for (let passed = 0; passed < ms; passed += 10) {
        await clock.advance(10);
        meanwhile();
      }
      end();
      await consuming;
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

Deno.test("Group looks again after each slow transaction, with no fetch in vain", async () => {
  const { state, run, errors } = setUp({ times: { fetch: 20, store: 3_000 }, stored: 500n });
  await run(30_000);
  // The first fetch of all was under way when the place was found.
  assert(state.dropped <= 1, `${state.dropped} fetches were in vain`);
  // At the join, and every ten seconds for the lag.
  assert(state.looks <= 4, `${state.looks} looks`);
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

Deno.test("Group asks for the topic's ends once the stored offsets are read", async () => {
  const { state, stats, join, end, seeks, clock, errors } = setUp({ partitions: 2, stored: 500n });
  state.high = new Map([[0, 500n], [1, 500n]]);
  const read = Promise.withResolvers<void>();
  state.beforeRead = () => read.promise;
  join();
  await clock.advance(10);
  assertEquals(state.looks, 0);
  // Meanwhile another process stores what is new in partition 1.
  state.high.set(1, 900n);
  state.stored.set(1, { nextOffset: 900n, lastHash: new Uint8Array(32), lastTimestamp: 1n });
  read.resolve();
  await clock.advance(10);
  assertEquals([...seeks].sort(), [[0, 499n], [1, 899n]]);
  assertEquals([stats.topicsAnew, errors()], [0, []]);
  end();
});

Deno.test("Group goes on without a partition that cannot be stored, and then with it", async () => {
  const { state, join, end, seeks, clock, hand, group } = setUp({ partitions: 2, stored: 500n });
  const held = Promise.withResolvers<void>();
  state.beforeStore = (partition) => partition === 0 ? held.promise : Promise.resolve();
  join();
  await clock.advance(10);
  assertEquals([...seeks].sort(), [[0, 499n], [1, 499n]]);
  seeks.clear();
  let returned = false;
  const handed = hand(0, 499n).then(() => returned = true);
  await hand(1, 499n);
  assertEquals([state.batches, seeks.get(1), returned], [1, 599n, false]);
  await clock.advance(1_000);
  await handed;
  assertEquals([...state.paused], [0]);
  held.resolve();
  await clock.advance(10);
  assertEquals([state.batches, state.paused.size], [2, 0]);
  // The last record is read again: nobody watched the topic meanwhile.
  assertEquals(seeks.get(0), 598n);
  end();
  await group.leave();
});

Deno.test("Group keeps a partition's batch where all others are paused, until one goes on", async () => {
  const { state, join, end, seeks, clock, hand, group } = setUp({ partitions: 2, stored: 500n });
  const held = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  state.beforeStore = (partition) => held[partition]!.promise;
  join();
  await clock.advance(10);
  seeks.clear();
  const handed = [hand(0, 499n), hand(1, 499n)];
  let returned = false;
  void handed[1]!.then(() => returned = true);
  await clock.advance(2_000);
  await handed[0];
  assertEquals([[...state.paused], returned], [[0], false]);
  held[0]!.resolve();
  for (let turns = 0; turns < 5; turns++) await clock.advance(10);
  assertEquals([[...state.paused], returned], [[1], true]);
  held[1]!.resolve();
  for (let turns = 0; turns < 5; turns++) await clock.advance(10);
  assertEquals([state.paused.size, state.batches], [0, 2]);
  end();
  await group.leave();
});

Deno.test("Group begins each assignment with no partition paused", async () => {
  const { state, join, joinHolding, end, clock, hand, seeks, group } = setUp({ stored: 500n });
  const letGo = await joinHolding();
  const handed = hand(0, 499n);
  await clock.advance(10_000);
  await handed;
  assertEquals([...state.paused], [0]);
  join();
  assertEquals([...state.paused], []);
  await clock.advance(10);
  assertEquals(seeks.get(0), 499n);
  // What the assignment before had begun ends, and changes nothing for this one.
  letGo();
  await clock.advance(10);
  assertEquals([state.batches, seeks.get(0)], [1, 499n]);
  end();
  await group.leave();
});

Deno.test("Group commits what a stop found half stored before the broker is left", async () => {
  const { state, joinHolding, end, clock, hand, group } = setUp({ stored: 500n });
  const letGo = await joinHolding();
  let returned = false;
  const handed = hand(0, 499n).then(() => returned = true);
  await clock.advance(10);
  end();
  await clock.advance(10);
  assertEquals([returned, state.committed.size], [false, 0]);
  letGo();
  await handed;
  assertEquals(state.committed, new Map([[0, "599"]]));
  await group.leave();
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

import { recordHash, type StoredOffset } from "../../db/offsets.ts";
import type { ResultStore, StoreOutcome } from "../../db/store/store.ts";
import { PartitionReader } from "../../writer/partition_reader.ts";
import { newWriterStats } from "../../writer/stats.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { sevenFields } from "../support/topic_io.ts";

/** A partition's log and a store, both in memory, as the reader sees them. */
export function actedPartition(
  options: { stored: bigint | null; low?: bigint; high: bigint; topic?: string },
) {
  const { low = 0n, high, topic = "first" } = options;
  const record = (offset: bigint, of = state.topic) => ({
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
    /** What a fetched record's key says: another one is another topic. */
    topic,
    /** Called before the store moves the offset; may change what is stored. */
    beforeMove: () => {},
    /** Called once a batch is stored; may throw, as a cut reply does. */
    afterStore: () => {},
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
      state.afterStore();
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
    clock,
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

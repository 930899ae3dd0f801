import type { Offsets, StoredOffset } from "../../consume/offsets.ts";
import { PartitionReader } from "../../consume/read/partition_reader.ts";
import type { Sink } from "../../consume/sink.ts";
import { newConsumerStats } from "../../consume/stats.ts";
import { recordHash } from "../../runtime/record_hash.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";

/** A partition's log, its stored offset and a sink, all in memory, as the reader sees them. */
export function actedPartition(
  options: { stored: bigint | null; low?: bigint; high: bigint; topic?: string },
) {
  const { low = 0n, high, topic = "first" } = options;
  const record = (offset: bigint, of = state.topic) => ({
    offset,
    timestamp: offset,
    key: new TextEncoder().encode(of),
    value: new TextEncoder().encode(String(offset)),
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
  const offsets: Offsets = {
    read: () => Promise.resolve(new Map(state.stored ? [[0, state.stored]] : [])),
    move(_source, from, nextOffset, keepsLast) {
      state.beforeMove();
      if (state.stored?.nextOffset !== from) return Promise.resolve(false);
      const forgotten = { lastHash: null, lastTimestamp: null };
      state.stored = { ...state.stored, nextOffset, ...(!keepsLast && forgotten) };
      return Promise.resolve(true);
    },
  };
  const sink: Sink = {
    store(_source, records, { position, first }) {
      const at = state.stored?.nextOffset ?? (first ? position : null);
      if (at === null || at < position) return Promise.resolve({ kind: "moved", storedOffset: at });
      const fresh = records.filter(({ offset }) => offset >= at);
      state.stores.push(...fresh.map(({ offset }) => offset));
      const last = fresh.at(-1);
      const nextOffset = last ? last.offset + 1n : at;
      state.stored = { nextOffset, lastHash: null, lastTimestamp: null };
      state.afterStore();
      return Promise.resolve({
        kind: "stored",
        skipped: records.length - fresh.length,
        nextOffset,
      });
    },
  };
  const clock = new FakeClock();
  const log = recordingLog();
  const stats = newConsumerStats(0);
  const controller = new AbortController();
  const reader = new PartitionReader({ consumer: "x", clusterId: "c", topic: "t", partition: 0 }, {
    sink,
    offsets,
    stats,
    clock,
    log,
    progress: { position: null, end: null, failing: null },
    maxBatchRecords: 100,
    signal: controller.signal,
    standing: () => Promise.resolve({ stored: state.stored, bounds: state.bounds }),
    seek: (offset) => state.seeks.push(offset),
    stored: () => {},
  });
  return {
    state,
    reader,
    clock,
    stats,
    controller,
    /** As the group does it. */
    async look(): Promise<void> {
      reader.look()(state.stored);
      await reader.prepared();
    },
    errors: () => log.lines.filter(({ level }) => level === "error").map(({ message }) => message),
    /** As kafkajs would hand over a fetch of the records from `from` on. */
    fetched: (from: bigint, to: bigint, fetchedFrom = from) => ({
      fetchedFrom,
      nextOffset: to,
      records: Array.from({ length: Number(to - from) }, (_, i) => record(from + BigInt(i))),
    }),
  };
}

import { assertEquals } from "@std/assert";
import type { StoredOffset } from "../../db/offsets.ts";
import { PartitionReader } from "../../writer/partition_reader.ts";
import { newWriterStats } from "../../writer/stats.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";

/** A prepared reader of a partition with the offsets 0 to 99, over a store that says `stored`. */
async function readerOf(stored: bigint | null) {
  const at = { stored };
  const sought: bigint[] = [];
  const log = recordingLog();
  const never = () => Promise.reject(new Error("Not expected to be called"));
  const reader = new PartitionReader({ clusterId: "c", topic: "t", partition: 0 }, {
    store: {
      readOffset: (): Promise<StoredOffset | null> =>
        Promise.resolve(
          at.stored === null
            ? null
            : { nextOffset: at.stored, lastTimestamp: null, lastHash: null },
        ),
      storeBatch: never,
      moveOffset: never,
      ensurePartitionsAhead: never,
    },
    stats: newWriterStats(),
    clock: new FakeClock(),
    log,
    signal: new AbortController().signal,
    maxBatchMessages: 10,
    bounds: () => Promise.resolve({ low: 0n, high: 100n }),
    seek: (offset) => sought.push(offset),
    committed: never,
  });
  await reader.prepare();
  return { reader, at, sought, log };
}

Deno.test("look() reads again from where a database that was put back stands", async () => {
  const { reader, at, sought, log } = await readerOf(60n);
  at.stored = 20n;
  await reader.look();
  assertEquals(sought, [60n, 20n]);
  assertEquals(log.lines.map(({ level }) => level), ["error"]);
});

Deno.test("look() reads from the start where a database that was put back knows nothing", async () => {
  const { reader, at, sought } = await readerOf(60n);
  at.stored = null;
  await reader.look();
  assertEquals(sought, [60n, 0n]);
});

Deno.test("look() leaves alone what stands where it should, or has nothing stored yet", async () => {
  for (const stored of [60n, null]) {
    const { reader, sought, log } = await readerOf(stored);
    await reader.look();
    assertEquals([sought.length, log.lines], [1, []]);
  }
});

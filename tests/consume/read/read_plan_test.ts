import { assertEquals } from "@std/assert";
import { planRead } from "../../../consume/read/read_plan.ts";

function stored(nextOffset: bigint, lastHash: Uint8Array | null = new Uint8Array([1])) {
  return { nextOffset, lastHash, lastTimestamp: 0n };
}

Deno.test("planRead() starts at the partition's start where nothing is stored", () => {
  assertEquals(planRead(null, { low: 3n, high: 9n }), {
    fetchFrom: 3n,
    position: 3n,
    verify: null,
    moved: null,
  });
});

Deno.test("planRead() reads the last stored record again", () => {
  const offset = stored(5n);
  assertEquals(planRead(offset, { low: 0n, high: 9n }), {
    fetchFrom: 4n,
    position: 5n,
    verify: offset,
    moved: null,
  });
});

Deno.test("planRead() reads the last stored record again at the partition's end", () => {
  assertEquals(planRead(stored(9n), { low: 0n, high: 9n }).fetchFrom, 8n);
});

Deno.test("planRead() cannot verify where retention took the last stored record", () => {
  assertEquals(planRead(stored(5n), { low: 5n, high: 9n }), {
    fetchFrom: 5n,
    position: 5n,
    verify: null,
    moved: null,
  });
});

Deno.test("planRead() cannot verify where no record is known", () => {
  assertEquals(planRead(stored(5n, null), { low: 0n, high: 9n }).verify, null);
});

Deno.test("planRead() takes an offset past the end for a topic made anew", () => {
  assertEquals(planRead(stored(10n), { low: 2n, high: 9n }), {
    fetchFrom: 2n,
    position: 2n,
    verify: null,
    moved: "topic_anew",
  });
});

Deno.test("planRead() notices records that were deleted unread", () => {
  assertEquals(planRead(stored(2n), { low: 4n, high: 9n }), {
    fetchFrom: 4n,
    position: 4n,
    verify: null,
    moved: "gap",
  });
});

Deno.test("planRead() reads before a gap again where that can be read: the topic was made anew", () => {
  const behindGap = stored(8n);
  assertEquals(planRead(behindGap, { low: 8n, high: 20n }).verify, null);
  assertEquals(planRead(behindGap, { low: 0n, high: 20n }).verify, behindGap);
});

import { assertEquals } from "@std/assert";
import { compareOffsets } from "./compare_offsets.ts";

const WELL = {
  nextOffsets: new Map([[0, 7n], [1, 3n]]),
  ends: new Map([[0, 7n], [1, 3n], [2, 0n]]),
  observed: { ahead: [], samples: 20, commits: 9 },
  commitMayBeAhead: false,
};

Deno.test("compareOffsets() finds nothing where each partition is stored to its end", () => {
  assertEquals(compareOffsets(WELL), []);
});

Deno.test("compareOffsets() finds an offset short of the end, past it, or missing", () => {
  const nextOffsets = new Map([[0, 6n], [2, 1n]]);
  assertEquals(compareOffsets({ ...WELL, nextOffsets }), [
    "0: stored 6, the end is 7",
    "1: stored 0, the end is 3",
    "2: stored 1, the end is 0",
  ]);
  assertEquals(compareOffsets({ ...WELL, ends: new Map() }), [
    "the ends of the topic are not known",
  ]);
});

Deno.test("compareOffsets() finds a commit that was ahead, but where it may be", () => {
  const observed = { ...WELL.observed, ahead: ["0: Kafka 8, stored 7"] };
  assertEquals(compareOffsets({ ...WELL, observed }), ["0: Kafka 8, stored 7"]);
  assertEquals(compareOffsets({ ...WELL, observed, commitMayBeAhead: true }), []);
});

Deno.test("compareOffsets() says so where nothing was seen", () => {
  const blind = (observed: { ahead: string[]; samples: number; commits: number }) =>
    compareOffsets({ ...WELL, observed });
  assertEquals(blind({ ahead: [], samples: 0, commits: 0 }), [
    "the offsets could not be looked at",
  ]);
  assertEquals(blind({ ahead: [], samples: 9, commits: 0 }), ["Kafka never held a commit"]);
});

import { assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { failpointsFrom, noFailpoints } from "../../runtime/failpoints.ts";

Deno.test("failpointsFrom() does nothing where nothing is asked for", () => {
  assertEquals(failpointsFrom(""), noFailpoints);
});

Deno.test("failpointsFrom() holds the program at the pass that is named, and only there", () => {
  const pass = failpointsFrom("store.before_call=2:500");
  const { wait } = Atomics;
  const holds: (number | undefined)[] = [];
  Atomics.wait = ((array: Int32Array, index: number, value: number, ms?: number) => {
    holds.push(ms);
    return wait(array, index, value, ms);
  }) as typeof wait;
  try {
    const start = performance.now();
    for (const expected of [[], [500], [500]]) {
      pass("store.before_call");
      pass("store.after_commit");
      assertEquals(holds, expected);
    }
    assertGreaterOrEqual(performance.now() - start, 500);
  } finally {
    Atomics.wait = wait;
  }
});

Deno.test("failpointsFrom() refuses what it does not know", () => {
  for (const text of ["store.before_call", "nowhere=1:1", "store.before_call=1"]) {
    assertThrows(() => failpointsFrom(text), RangeError, `found "${text}"`);
  }
});

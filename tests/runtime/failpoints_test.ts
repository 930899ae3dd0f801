import { assertEquals, assertThrows } from "@std/assert";
import { failpointsFrom, noFailpoints } from "../../runtime/failpoints.ts";

Deno.test("failpointsFrom() does nothing where nothing is asked for", () => {
  assertEquals(failpointsFrom(""), noFailpoints);
});

Deno.test("failpointsFrom() holds the program at the pass that is named, and only there", () => {
  const pass = failpointsFrom("store.before_call=2:500");
  const held = () => {
    const start = performance.now();
    pass("store.before_call");
    pass("store.after_commit");
    return performance.now() - start >= 500;
  };
  assertEquals([held(), held(), held()], [false, true, false]);
});

Deno.test("failpointsFrom() refuses what it does not know", () => {
  for (const text of ["store.before_call", "nowhere=1:1", "store.before_call=1"]) {
    assertThrows(() => failpointsFrom(text), RangeError, `found "${text}"`);
  }
});

import { assertEquals } from "@std/assert";
import { Stalls } from "./stalls.ts";

Deno.test("Stalls date what is seen after a standstill back to its start", () => {
  const stalls = new Stalls(1_000);
  stalls.turn(1_025);
  assertEquals(stalls.since(1_040), 1_040);
  assertEquals(stalls.since(3_000), 1_025); // seen before the turn that is late
  stalls.turn(3_001);
  assertEquals(stalls.since(3_010), 1_025);
  for (let now = 3_025; now < 3_300; now += 25) stalls.turn(now);
  assertEquals(stalls.since(3_300), 3_300);
  assertEquals(stalls.most, 1_951);
});

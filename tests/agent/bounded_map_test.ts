import { assertEquals } from "@std/assert";
import { keep } from "../../agent/bounded_map.ts";

Deno.test("keep() puts an entry into a map, and past 10,000 lets go of the oldest", () => {
  const map = new Map<number, string>();
  for (let i = 1; i <= 10_001; i++) assertEquals(keep(map, i, `v${i}`), `v${i}`);
  assertEquals([map.size, map.has(1), map.get(2), map.get(10_001)], [
    10_000,
    false,
    "v2",
    "v10001",
  ]);
});

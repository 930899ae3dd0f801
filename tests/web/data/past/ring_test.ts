import { assertEquals } from "@std/assert";
import { noCounts, Ring } from "../../../../web/data/past/ring.ts";

Deno.test("Ring sums the last buckets of each site, and a bucket that comes again is another", () => {
  const ring = new Ring(3);
  ring.set(7, 10, [1, 0, 0, 0, 0]);
  ring.set(7, 11, [2, 0, 1, 0, 0]);
  ring.set(8, 11, [5, 0, 0, 0, 0]);
  assertEquals(ring.sum(7, 10, 11), { ...noCounts(), up: 3, down: 1 });
  assertEquals(ring.sum(8, 10, 11), { ...noCounts(), up: 5 });
  assertEquals(ring.sum(9, 10, 11), noCounts());
  ring.clear(11);
  ring.set(8, 11, [6, 0, 0, 0, 0]);
  assertEquals(ring.sum(7, 10, 11), { ...noCounts(), up: 1 });
  // Takes the place of the oldest.
  ring.clear(13);
  ring.set(8, 13, [1, 2, 3, 4, 5]);
  assertEquals(ring.sum(8, 13, 13, { ...noCounts(), up: 1 }), {
    up: 2,
    degraded: 2,
    down: 3,
    unknown: 4,
    maintenance: 5,
  });
  assertEquals(ring.sum(7, 13, 13), noCounts());
  assertEquals([...ring.ids()], [7, 8]);
});

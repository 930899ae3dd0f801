import { assert, assertEquals } from "@std/assert";
import { waitFor } from "../../local/wait.ts";
import { OwnStalls, Sites } from "./sites.ts";

Deno.test("Sites note each request, when it came and when its answer was out", async () => {
  const sites = new Sites();
  try {
    const before = Date.now();
    const response = await fetch(`${sites.origin}/7`);
    assertEquals(await response.text(), "fine");
    const [request] = sites.served;
    await waitFor("the answer to be out", () => request!.to !== null, 5_000, 5);
    assertEquals(sites.served.length, 1);
    assertEquals(request!.url, `${sites.origin}/7`);
    assert(before <= request!.from && request!.since <= request!.from);
    assert(request!.from <= request!.to!);
  } finally {
    await sites.close();
  }
});

Deno.test("OwnStalls() dates what is seen after a standstill back to its start", () => {
  const stalls = new OwnStalls(1_000);
  stalls.turn(1_025);
  assertEquals(stalls.since(1_040), 1_040);
  assertEquals(stalls.since(3_000), 1_025); // seen before the turn that is late
  stalls.turn(3_001);
  assertEquals(stalls.since(3_010), 1_025);
  for (let now = 3_025; now < 3_300; now += 25) stalls.turn(now);
  assertEquals(stalls.since(3_300), 3_300);
});

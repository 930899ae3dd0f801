import { assertEquals } from "@std/assert";
import { AgeClock } from "../../../agent/outbox/age.ts";
import { systemClock } from "../../../runtime/clock.ts";

Deno.test("AgeClock.toMeta() says that a clock is set no more, after it said that it was", () => {
  let wall = 0;
  const age = new AgeClock({ ...systemClock, now: () => wall, monotonic: () => 0 }, {}, null);
  assertEquals(age.toMeta(), {});
  wall = 604_800_000;
  assertEquals(age.toMeta(), { clock_steps_ms: "604800000" });
  wall = 0;
  assertEquals(age.toMeta(), { clock_steps_ms: "0" });
});

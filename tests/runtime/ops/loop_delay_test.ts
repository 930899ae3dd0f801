import { assertEquals } from "@std/assert";
import { LoopDelay } from "../../../runtime/ops/loop_delay.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("LoopDelay records how late its timers run, ten times a second", async () => {
  const clock = new FakeClock();
  const delay = new LoopDelay(clock);
  delay.start();
  await clock.advance(1_000);
  assertEquals([delay.histogram.count, delay.histogram.sum], [10, 0]);
  clock.stall(400);
  await clock.advance(0);
  assertEquals([delay.histogram.count, delay.histogram.sum], [11, 300]);
  delay.stop();
  assertEquals(clock.pending, 0);
});

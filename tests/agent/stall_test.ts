import { assertEquals } from "@std/assert";
import { StallDetector } from "../../agent/stall.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("StallDetector sees no stall in a loop that runs", async () => {
  const clock = new FakeClock();
  const stalls: number[] = [];
  const detector = new StallDetector(clock, (ms) => stalls.push(ms));
  detector.start();
  await clock.advance(60_000);
  clock.stall(1_200); // 250 of them until the next beat is due
  assertEquals(detector.since(0), null);
  await clock.advance(1);
  assertEquals([stalls, detector.count], [[], 0]);
  detector.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("StallDetector tells of a stall, to who began before its end, before its own timer runs", async () => {
  const clock = new FakeClock({ monotonic: 0 });
  const stalls: number[] = [];
  const detector = new StallDetector(clock, (ms) => stalls.push(ms));
  detector.start();
  await clock.advance(1_000);
  clock.stall(45_250);
  assertEquals(detector.since(900), 45_000);
  assertEquals(detector.since(46_250), 45_000);
  await clock.advance(500);
  assertEquals([stalls, detector.count], [[45_000], 1]);
  assertEquals(detector.since(46_251), null);
  detector.stop();
  clock.stall(10_000);
  assertEquals(detector.since(46_251), null);
});

Deno.test("StallDetector takes a sleep, in which only the wall clock goes on, for a stall", async () => {
  const clock = new FakeClock({ monotonic: 0 });
  const stalls: number[] = [];
  const detector = new StallDetector(clock, (ms) => stalls.push(ms));
  detector.start();
  await clock.advance(1_000);
  clock.setWallBy(3_600_000);
  await clock.advance(1_000);
  assertEquals(stalls, [3_600_000]);
  clock.setWallBy(-3_600_000);
  await clock.advance(1_000);
  assertEquals(stalls.length, 1);
  detector.stop();
});

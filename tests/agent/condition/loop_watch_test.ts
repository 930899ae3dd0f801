import { assertEquals } from "@std/assert";
import { LoopWatch } from "../../../agent/condition/loop_watch.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function watching() {
  const clock = new FakeClock();
  const stalls: number[] = [];
  const loop = new LoopWatch(clock, (ms) => stalls.push(ms));
  loop.start();
  return { clock, stalls, loop };
}

Deno.test("LoopWatch sees no delay in a loop that runs, nor one of up to 5 ms", async () => {
  const { clock, stalls, loop } = watching();
  await clock.advance(60_000);
  const delay = loop.watch();
  await clock.advance(10_000);
  clock.stall(25); // 20 of them until the next beat is due
  await clock.advance(1_000);
  assertEquals([delay(), stalls], [0, []]);
  loop.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("LoopWatch tells the worst delay of each that watches, before its own timer runs", async () => {
  const { clock, stalls, loop } = watching();
  const first = loop.watch();
  clock.stall(520);
  await clock.advance(100);
  const second = loop.watch();
  clock.stall(120);
  await clock.advance(100);
  const third = loop.watch();
  clock.stall(220);
  assertEquals([third(), second(), first()], [200, 200, 500]);
  assertEquals(loop.watch()(), 0);
  assertEquals(stalls, []);
  loop.stop();
});

Deno.test("LoopWatch counts a delay before a watch to nobody", async () => {
  const { clock, loop } = watching();
  clock.stall(700);
  const delay = loop.watch();
  await clock.advance(1_000);
  assertEquals(delay(), 0);
  loop.stop();
});

Deno.test("LoopWatch tells of stalls of over a second, watched or not", async () => {
  const { clock, stalls, loop } = watching();
  clock.stall(45_250);
  await clock.advance(250);
  assertEquals(stalls, [45_000]);
  loop.stop();
  clock.stall(10_000);
  assertEquals(loop.watch()(), 0);
  loop.stop();
});

Deno.test("LoopWatch takes a sleep, in which only the wall clock goes on, for a stall", async () => {
  const { clock, stalls, loop } = watching();
  const delay = loop.watch();
  clock.setWallBy(3_600_000);
  await clock.advance(1_000);
  assertEquals([delay(), stalls], [3_600_000, [3_600_000]]);
  clock.setWallBy(-3_600_000);
  await clock.advance(1_000);
  assertEquals(stalls.length, 1);
  loop.stop();
});

import { assert, assertEquals } from "@std/assert";
import {
  newTimestampState,
  Timestamps,
  timestampsOf,
  type TimestampState,
  toMeta,
} from "../../../agent/check/timestamps.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const WALL = Date.UTC(2026, 0, 1);
const FRESH: TimestampState = { generation: 7, highWaterMs: -Infinity };

Deno.test("Timestamps are the wall clock's milliseconds, and a generation below", () => {
  const clock = new FakeClock({ wall: WALL });
  const timestamps = new Timestamps(clock, FRESH);
  assertEquals(timestamps.next("a"), BigInt(WALL) * 1_000n + 7n);
  clock.stall(250);
  assertEquals(timestamps.next("a"), BigInt(WALL + 250) * 1_000n + 7n);
  assertEquals(timestamps.state(), { generation: 7, highWaterMs: WALL + 250 });
});

Deno.test("Timestamps count up where a site asks twice in a millisecond; sites may share one", () => {
  const timestamps = new Timestamps(new FakeClock({ wall: WALL }), FRESH);
  const first = timestamps.next("a");
  assertEquals(timestamps.next("a"), first + 1_000n);
  assertEquals(timestamps.next("a"), first + 2_000n);
  assertEquals(timestamps.next("b"), first);
});

Deno.test("Timestamps stay right and unlike those before when the clock is set back", () => {
  const clock = new FakeClock({ wall: WALL });
  const backs: number[] = [];
  const timestamps = new Timestamps(clock, FRESH, (ms) => backs.push(ms));
  const seen = new Set<bigint>();
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 100; i++) {
      const wall = clock.now();
      const ts = timestamps.next("a");
      assert(!seen.has(ts), `${ts} came twice`);
      seen.add(ts);
      assertEquals(Number(ts / 1_000n), wall);
      clock.stall(10);
    }
    clock.setWallBy(-1_000);
  }
  assertEquals(backs.length, 49);
  assertEquals(backs[0], 990);
});

Deno.test("Timestamps go on after a restart, and repeat none if the clock was set back meanwhile", () => {
  const clock = new FakeClock({ wall: WALL });
  const before = new Timestamps(clock, FRESH);
  const seen = new Set([before.next("a")]);
  clock.stall(10);
  seen.add(before.next("a"));

  const sameTime = new Timestamps(clock, before.state());
  assertEquals(seen.has(sameTime.next("a")), false);

  clock.stall(1_000);
  const later = new Timestamps(clock, before.state());
  assertEquals(later.next("a") % 1_000n, 7n);

  clock.setWallBy(-1_010);
  const setBack = new Timestamps(clock, before.state());
  for (let i = 0; i < 4; i++) {
    const ts = setBack.next("a");
    assertEquals(seen.has(ts), false);
    assertEquals(Number(ts / 1_000n), clock.now());
    clock.stall(5);
  }
});

Deno.test("Timestamps have 1,000 generations", () => {
  const clock = new FakeClock({ wall: WALL });
  const timestamps = new Timestamps(clock, { generation: 999, highWaterMs: WALL + 1 });
  assertEquals(timestamps.next("a") % 1_000n, 0n);
});

Deno.test("newTimestampState() is of some generation", () => {
  assertEquals(newTimestampState(() => 0.9999).generation, 999);
  assertEquals(newTimestampState(() => 0).generation, 0);
});

Deno.test("timestampsOf() goes on from what toMeta() gave, and logs a clock set back", () => {
  const clock = new FakeClock({ wall: WALL });
  const log = recordingLog();
  const meta = toMeta({ generation: 41, highWaterMs: WALL + 5_000 });
  assertEquals(timestampsOf(meta, clock, log).next("a") % 1_000n, 42n);
  assertEquals(log.lines.map(({ level, fields }) => [level, fields]), [
    ["error", { seconds: 5.001 }],
  ]);
  assert(timestampsOf({}, clock, log).next("a") >= BigInt(WALL) * 1_000n);
});

Deno.test("Timestamps of a time before now come after a site's others, and not before a restart", () => {
  const clock = new FakeClock({ wall: WALL });
  const timestamps = new Timestamps(clock, { generation: 7, highWaterMs: WALL - 1_000 });
  const millisecond = (ts: bigint) => Number(ts / 1_000n) - WALL;
  assertEquals(millisecond(timestamps.next("a", 500)), -500);
  assertEquals(millisecond(timestamps.next("a", 800)), -499);
  assertEquals(millisecond(timestamps.next("b", 5_000)), -999);
  assertEquals(millisecond(timestamps.next("a")), 0);
  clock.stall(100);
  assertEquals(millisecond(timestamps.next("a", 30.4)), 70);
  assertEquals(millisecond(timestamps.next("a")), 100);
  assertEquals(timestamps.state(), { generation: 7, highWaterMs: WALL + 100 });
});

Deno.test("Timestamps.keep() forgets the sites that are gone, and repeats nothing if they come back", () => {
  const clock = new FakeClock({ wall: WALL });
  const timestamps = new Timestamps(clock, FRESH);
  const seen = [timestamps.next("a"), timestamps.next("a"), timestamps.next("b")];
  timestamps.keep(new Set(["b"]));
  assertEquals(seen.includes(timestamps.next("a")), false);
  clock.stall(1_000);
  seen.push(timestamps.next("b"));
  timestamps.keep(new Set());
  assertEquals(seen.includes(timestamps.next("b")), false);
});

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import { hashFraction } from "../../agent/hash.ts";
import { Schedule, type Scheduled } from "../../agent/schedule.ts";
import { FakeClock } from "../support/fake_clock.ts";

const WALL = Date.UTC(2026, 0, 1);

interface Run {
  id: string;
  at: number;
  due: number;
  /** Due times that it answered for; 0 until it ends. */
  slots: number;
}

/** A schedule whose runs take `takesMs` (0: end at once), with what ran and what was missed. */
function recorded(clock: FakeClock, takesMs: (item: Scheduled) => number = () => 0) {
  const runs: Run[] = [];
  const missed = new Map<string, number>();
  const schedule = new Schedule<Scheduled>({
    clock,
    async run(item, turn) {
      const run = { id: item.id, at: clock.monotonic(), due: turn.due, slots: 0 };
      runs.push(run);
      const ms = takesMs(item);
      if (ms > 0) await new Promise<void>((resolve) => void clock.after(ms, resolve));
      run.slots = turn.slots();
    },
    onMissed: ({ id }, { slots }) => void missed.set(id, (missed.get(id) ?? 0) + slots),
  });
  const of = (id: string) => runs.filter((run) => run.id === id);
  const slotsOf = (id: string) =>
    of(id).reduce((sum, { slots }) => sum + slots, missed.get(id) ?? 0);
  return { schedule, runs, missed, of, slotsOf };
}

function items(count: number, frequencyMs: number): Scheduled[] {
  return Array.from({ length: count }, (_, i) => ({ id: `https://a.test/${i}`, frequencyMs }));
}

Deno.test("Schedule runs each item at a fixed rate, without drift over hours", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule, of, missed } = recorded(clock, ({ id }) => id.endsWith("0") ? 1_234 : 0);
  const list = items(2, 60_000);
  schedule.replace(list);
  schedule.start();
  await clock.advance(6 * 3_600_000);
  for (const { id } of list) {
    const start = 5_000; // of the monotonic clock
    const slots = of(id).slice(1);
    assertEquals(slots.length >= 359 && slots.length <= 361, true);
    for (const [i, { at }] of slots.entries()) {
      const nth = Math.round((at - slots[0]!.at) / 60_000);
      assertEquals(nth, i);
      assertAlmostEquals(at - slots[0]!.at, i * 60_000, 10);
      // Anchored to the wall clock by the hash of the id.
      const place = (WALL - start + at) % 60_000;
      assertAlmostEquals(place, hashFraction(id) * 60_000, 11);
    }
  }
  assertEquals(missed.size, 0);
  schedule.stop();
  await clock.advance(1_234);
  assertEquals(clock.pending, 0);
});

for (const frequencyMs of [1_000, 1_234.5, 5_000, 60_000, 86_400_000]) {
  Deno.test(`Schedule makes a first run within min(${frequencyMs} ms, 10 s), spread`, async () => {
    const clock = new FakeClock({ wall: WALL + 31_415 });
    const { schedule, runs } = recorded(clock);
    const list = items(500, frequencyMs);
    const start = clock.monotonic();
    schedule.replace(list);
    schedule.start();
    const within = Math.min(frequencyMs, 10_000);
    await clock.advance(within + 10);
    const first = new Map(runs.toReversed().map(({ id, at }) => [id, at - start]));
    assertEquals(first.size, 500);
    const halves = [...first.values()].filter((at) => at < within / 2).length;
    assertAlmostEquals(halves, 250, 60);
    schedule.stop();
  });
}

Deno.test("Schedule keeps an item's place in the interval over a restart", async () => {
  const places: number[][] = [];
  for (const startedAt of [WALL, WALL + 7_654_321]) {
    const clock = new FakeClock({ wall: startedAt, monotonic: Math.abs(startedAt % 77) });
    const { schedule, of } = recorded(clock);
    const list = items(20, 300_000);
    schedule.replace(list);
    schedule.start();
    await clock.advance(900_000);
    schedule.stop();
    const wallOf = (monotonic: number) => clock.now() - clock.monotonic() + monotonic;
    places.push(list.map(({ id }) => wallOf(of(id).at(-1)!.at) % 300_000));
  }
  for (const [i, place] of places[0]!.entries()) assertAlmostEquals(places[1]![i]!, place, 11);
});

Deno.test("Schedule runs items that are due together in one turn, at multiples of 10 ms", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule, runs } = recorded(clock);
  schedule.replace(items(1_000, 1_000));
  schedule.start();
  await clock.advance(3_000);
  for (const { at, due } of runs) assertEquals([at % 10, due], [0, at]);
  schedule.stop();
});

Deno.test("Schedule never overlaps runs of an item; what comes due meanwhile is the run's", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule, of, slotsOf } = recorded(clock, ({ id }) => id === "slow" ? 2_500 : 0);
  schedule.replace([{ id: "slow", frequencyMs: 1_000 }, { id: "quick", frequencyMs: 1_000 }]);
  schedule.start();
  await clock.advance(60_500);
  const slow = of("slow");
  for (const [i, { at }] of slow.entries()) {
    if (i > 0) assertAlmostEquals(at - slow[i - 1]!.at, 3_000, 11);
  }
  assertEquals([of("quick").length, slotsOf("quick")], [60, 60]);
  schedule.stop();
  await clock.advance(2_500);
  const first = slow[0]!.due;
  assertEquals(slotsOf("slow"), 1 + Math.floor((of("slow").at(-1)!.at + 2_500 - first) / 1_000));
});

Deno.test("Schedule goes on after a run that rejects", async () => {
  const clock = new FakeClock({ wall: WALL });
  let runs = 0;
  const schedule = new Schedule<Scheduled>({
    clock,
    run: () => Promise.reject(new Error(`run ${++runs}`)),
  });
  schedule.replace([{ id: "a", frequencyMs: 1_000 }]);
  schedule.start();
  await clock.advance(10_000);
  assertEquals(runs, 10);
  schedule.stop();
});

for (
  const { name, frequencyMs, stallMs } of [
    { name: "an hour's sleep, checks each minute", frequencyMs: 60_000, stallMs: 3_600_000 },
    { name: "a minute's sleep, checks each second", frequencyMs: 1_000, stallMs: 60_000 },
    { name: "5 s, checks each minute", frequencyMs: 60_000, stallMs: 5_000 },
    { name: "an hour's sleep, checks each day", frequencyMs: 86_400_000, stallMs: 3_600_000 },
  ]
) {
  Deno.test(`Schedule makes no burst after a stall: ${name}`, async () => {
    const clock = new FakeClock({ wall: WALL });
    const { schedule, runs, missed, of, slotsOf } = recorded(clock);
    schedule.replace(items(1_000, frequencyMs));
    schedule.start();
    await clock.advance(2 * Math.min(frequencyMs, 60_000));
    const before = runs.length;
    const woke = clock.monotonic() + stallMs;
    clock.stall(stallMs);
    await clock.advance(60_000);
    schedule.stop();

    // None waits longer than it would at a start, of those that missed a due time.
    const after = new Map(runs.slice(before).toReversed().map(({ id, at }) => [id, at - woke]));
    for (const id of missed.keys()) {
      assertLessOrEqual(after.get(id)!, Math.min(frequencyMs, 10_000) + 10);
    }
    // 1,000 items over the 10 s, or the interval, that they are spread over; and those of the last
    // 2 s, which are late but not too late.
    const perSecond = new Array<number>(10).fill(0);
    for (const { at } of runs.slice(before)) {
      if (at - woke < 10_000) perSecond[Math.floor((at - woke) / 1_000)]!++;
    }
    const steady = 1_000 / Math.min(10, frequencyMs / 1_000) + 1_000 / (frequencyMs / 1_000);
    for (const count of perSecond) {
      assertLess(count, 1.5 * steady + 2_000 / (frequencyMs / 1_000) + 1);
    }

    // Each due time is answered for, once: from the second run on they are whole intervals apart.
    for (const { id } of items(1_000, frequencyMs)) {
      const [first, second] = of(id);
      const last = of(id).at(-1)!;
      if (!second) continue;
      assertEquals(slotsOf(id), 2 + Math.round((last.due - second.due) / frequencyMs), id);
      assertLessOrEqual(second.due - first!.due, frequencyMs + 10);
    }
  });
}

Deno.test("Schedule runs late, at once and in place, what a short stall held up", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule, runs, missed } = recorded(clock);
  schedule.replace(items(100, 60_000));
  schedule.start();
  await clock.advance(120_000);
  runs.length = 0;
  clock.stall(1_900);
  const woke = clock.monotonic();
  await clock.advance(60_000);
  const late = runs.filter(({ at, due }) => at > due);
  assertGreater(late.length, 0);
  for (const { at, due, id } of late) {
    assertEquals(at, woke);
    const next = runs.find((run) => run.id === id && run.due > due);
    if (next) assertAlmostEquals(next.due - due, 60_000, 10);
  }
  assertEquals(missed.size, 0);
  schedule.stop();
});

Deno.test("Schedule.overdueMs is how long the first item waits for its turn", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule } = recorded(clock);
  assertEquals(schedule.overdueMs, 0);
  schedule.replace(items(3, 1_000));
  schedule.start();
  await clock.advance(5_000);
  assertEquals(schedule.overdueMs, 0);
  clock.stall(3_000);
  assertGreater(schedule.overdueMs, 2_000);
  assertLessOrEqual(schedule.overdueMs, 3_000);
  await clock.advance(0);
  assertEquals(schedule.overdueMs, 0);
  schedule.stop();
  await clock.advance(60_000);
  assertEquals(schedule.overdueMs, 0);
});

Deno.test("Schedule starts what is due in slices, with turns of the loop between them", async () => {
  const clock = new FakeClock({ wall: WALL });
  let inTurn = 0;
  let longest = 0;
  const schedule = new Schedule<Scheduled>({
    clock,
    run() {
      clock.stall(1); // starting a check takes 1 ms
      longest = Math.max(longest, ++inTurn);
      return Promise.resolve();
    },
  });
  const after = clock.after;
  clock.after = (ms, run) =>
    after(ms, () => {
      inTurn = 0;
      run();
    });
  schedule.replace(
    Array.from({ length: 100 }, () => 0).map((_, i) => ({ id: `${i}`, frequencyMs: 1_000 })),
  );
  schedule.start();
  clock.stall(900);
  await clock.advance(1_000);
  assertGreater(longest, 1);
  assertLessOrEqual(longest, 10);
  schedule.stop();
});

Deno.test("Schedule.replace() lets unchanged items keep their places", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule, runs, of } = recorded(clock);
  schedule.replace([
    { id: "kept", frequencyMs: 60_000 },
    { id: "gone", frequencyMs: 60_000 },
    { id: "faster", frequencyMs: 60_000 },
  ]);
  schedule.start();
  await clock.advance(90_000);
  const lastKept = of("kept").at(-1)!.at;
  runs.length = 0;
  const at = clock.monotonic();
  schedule.replace([
    { id: "kept", frequencyMs: 60_000 },
    { id: "faster", frequencyMs: 2_000 },
    { id: "new", frequencyMs: 60_000 },
  ]);
  assertEquals(schedule.size, 3);
  await clock.advance(60_000);
  assertAlmostEquals(of("kept")[0]!.at, lastKept + 60_000, 10);
  assertEquals(of("kept").length, 1);
  assertEquals(of("gone").length, 0);
  assertEquals(of("faster").length, 30);
  assertLessOrEqual(of("new")[0]!.at - at, 10_010);
  schedule.stop();
});

Deno.test("Schedule.replace() does not overlap a run of what it changed", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule, of } = recorded(clock, () => 5_000);
  schedule.replace([{ id: "a", frequencyMs: 10_000 }]);
  schedule.start();
  while (of("a").length === 0) await clock.advance(100);
  schedule.replace([{ id: "a", frequencyMs: 1_000 }]);
  await clock.advance(20_000);
  const starts = of("a").map(({ at }) => at);
  for (const [i, at] of starts.entries()) if (i > 0) assert(at - starts[i - 1]! >= 5_000);
  assertGreater(starts.length, 3);
  schedule.stop();
  await clock.advance(5_000);
});

Deno.test("Schedule waits in steps that setTimeout can take", async () => {
  const clock = new FakeClock({ wall: WALL });
  const waits: number[] = [];
  const after = clock.after;
  clock.after = (ms, run) => {
    waits.push(ms);
    return after(ms, run);
  };
  const { schedule, runs } = recorded(clock);
  schedule.replace([{ id: "a", frequencyMs: 30 * 86_400_000 }]);
  schedule.start();
  await clock.advance(3_600_000);
  assertLessOrEqual(Math.max(...waits), 60_000);
  assertEquals(runs.length, 1);
  schedule.stop();
});

Deno.test("Schedule of 10,000 items stays evenly spread", async () => {
  const clock = new FakeClock({ wall: WALL });
  const { schedule, runs } = recorded(clock);
  schedule.replace(items(10_000, 60_000));
  schedule.start();
  await clock.advance(10_000);
  runs.length = 0;
  await clock.advance(60_000);
  schedule.stop();
  assertEquals(runs.length, 10_000);
  const perSecond = new Array<number>(61).fill(0);
  for (const { at } of runs) perSecond[Math.floor((at - 15_000) / 1_000)]!++;
  // 167 each; 5 standard deviations are 64.
  for (const count of perSecond.slice(0, 60)) assertAlmostEquals(count, 167, 64);
});

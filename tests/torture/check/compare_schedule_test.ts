import { assertEquals } from "@std/assert";
import type { AgentRun } from "./agent_evidence.ts";
import { compareSchedule } from "./compare_schedule.ts";
import { resultOf, rowOf, URL } from "./evidence_fixture.ts";
import { timestamp } from "../load/messages.ts";
import type { Served } from "../load/sites.ts";
import type { ResultRow } from "./tables.ts";

const START = Date.parse("2026-05-01T10:00:00Z");
const EVERY_SECOND = Array.from({ length: 60 }, (_, i) => 1_500 + i * 1_000);

function asked(...times: number[]): Served[] {
  return times.map((ms) => ({ url: URL, since: START + ms, from: START + ms, to: START + ms + 1 }));
}

function rows(late: number, count = 60): ResultRow[] {
  return Array.from({ length: count }, (_, i) => {
    const due = START + i * 1_000;
    const scheduledAt = timestamp(due * 1000);
    return rowOf(resultOf({ ts: timestamp((due + late) * 1000), scheduledAt }));
  });
}

/** A process that took a second until it ran. */
function run(startedAt: number, endedAt: number): AgentRun {
  const readyAt = START + startedAt + 1_000;
  return {
    startedAt: START + startedAt,
    readyAt,
    endedAt: START + endedAt,
    killed: false,
    waits: [],
  };
}

function wrong(served: Served[], runs = [run(0, 61_000)], table = rows(3)): string[] {
  return compareSchedule(table, { served, runs, shiftMs: 0 }).wrong;
}

Deno.test("compareSchedule() finds nothing in a check every second, and says how late", () => {
  const served = asked(...EVERY_SECOND);
  assertEquals(compareSchedule(rows(3), { served, runs: [run(0, 61_000)], shiftMs: 0 }), {
    wrong: [],
    notes: [
      "p99 of lateness told 3 ms, most 3 ms",
      "p99 of lateness asked 0 ms, most 0 ms",
    ],
  });
});

Deno.test("compareSchedule() finds an agent that stands still for 30 s, which no row tells", () => {
  const served = asked(...EVERY_SECOND.filter((ms) => ms < 20_000 || ms > 50_000));
  assertEquals(wrong(served), [
    `${URL} not asked for 31000 ms from 2026-05-01T10:00:19.500Z`,
    "p99 of lateness asked 30000 ms, most 30000 ms",
  ]);
});

Deno.test("compareSchedule() finds checks that end before the process does", () => {
  const served = asked(...EVERY_SECOND.filter((ms) => ms < 50_000));
  assertEquals(wrong(served), [`${URL} not asked for 11500 ms from 2026-05-01T10:00:49.500Z`]);
});

Deno.test("compareSchedule() finds a process that begins late or not at all", () => {
  const late = asked(...EVERY_SECOND.filter((ms) => ms > 12_000));
  assertEquals(wrong(late), [`${URL} not asked for 11500 ms from 2026-05-01T10:00:01.000Z`]);
  const second = [run(0, 61_000), run(62_000, 75_000)];
  assertEquals(wrong(asked(...EVERY_SECOND), second), [
    `${URL} not asked for 12000 ms from 2026-05-01T10:01:03.000Z`,
  ]);
  assertEquals(wrong([], [run(0, 61_000)], []), ["no check is in the table", "no site was asked"]);
});

Deno.test("compareSchedule() gives a process the time to start that the machine takes", () => {
  const served = asked(...EVERY_SECOND.filter((ms) => ms > 30_000));
  const slow = { ...run(0, 61_000), readyAt: START + 30_000 };
  assertEquals(wrong(served, [slow]), []);
  assertEquals(wrong([...served], [{ ...run(0, 20_000), readyAt: null }, slow]), []);
});

Deno.test("compareSchedule() minds neither the time between processes nor a short one", () => {
  const served = asked(...EVERY_SECOND.filter((ms) => ms < 20_000 || ms > 40_000));
  assertEquals(wrong(served, [run(0, 20_000), run(22_000, 25_000), run(39_000, 61_000)]), []);
});

Deno.test("compareSchedule() finds requests that come late all over, though none is left out", () => {
  let ms = 1_500;
  const served = asked(...EVERY_SECOND.map((_, i) => ms += i % 10 === 0 ? 1_700 : 1_000));
  const found = wrong(served, [run(0, ms)]);
  assertEquals(found, ["p99 of lateness asked 700 ms, most 700 ms"]);
});

Deno.test("compareSchedule() finds what the rows say of themselves", () => {
  assertEquals(wrong(asked(...EVERY_SECOND), [run(0, 61_000)], rows(600)), [
    "p99 of lateness told 600 ms, most 600 ms",
  ]);
});

Deno.test("compareSchedule() blames no agent for what it had to wait for a core", () => {
  const served = asked(...EVERY_SECOND.filter((ms) => ms < 20_000 || ms > 24_000));
  const waited = (ms: number, at: number) =>
    wrong(served, [{
      ...run(0, 61_000),
      waits: [[0, 10], [at, 10], [at + 6_000, 10 + ms]].map(([at, ms]) => ({
        at: START + at!,
        ms: ms!,
      })),
    }]).length;
  assertEquals(waited(0, 19_000), 2);
  assertEquals(waited(2_600, 19_000), 1);
  assertEquals(waited(3_600, 19_000), 0);
  assertEquals(waited(3_600, 30_000), 2, "at another time");
});

Deno.test("compareSchedule() does not take the harness's standstill for the agent's", () => {
  const served = asked(...EVERY_SECOND.filter((ms) => ms < 20_000 || ms > 30_000));
  // Asked each second, and seen only when the harness went on.
  const seen = EVERY_SECOND.filter((ms) => ms > 20_000 && ms < 30_000)
    .map((_, i) => ({ url: URL, since: START + 19_900, from: START + 30_100 + i, to: null }));
  assertEquals(wrong([...served, ...seen]), []);
});

import { assertEquals } from "@std/assert";
import type { AgentRun } from "./agent_evidence.ts";
import { compareChecks } from "./compare_checks.ts";
import { resultOf, rowOf, URL } from "./evidence_fixture.ts";
import { timestamp } from "../load/messages.ts";
import type { Served } from "../load/sites.ts";
import type { ResultRow } from "./tables.ts";

const START = Date.parse("2026-05-01T10:00:00Z");

/** A check that began at `ms` of the round and took 5 ms. */
function row(ms: number, errorMessage: string | null = null, shiftMs = 0): ResultRow {
  const ts = timestamp((START + ms + shiftMs) * 1000);
  return rowOf(resultOf({ ts, responseTime: 5, errorMessage }));
}

function request(ms: number, to: number | null = ms + 1): Served {
  return { url: URL, since: START + ms, from: START + ms, to: to && START + to };
}

function run(endedAt: number, killed = false): AgentRun {
  return { startedAt: START, readyAt: START, endedAt: START + endedAt, killed, waits: [] };
}

function compare(rows: ResultRow[], served: Served[], runs = [run(60_000)], shiftMs = 0) {
  return compareChecks(rows, { served, runs, shiftMs });
}

const NOTHING = { missed: [], invented: [] };

Deno.test("compareChecks() finds nothing where each request is a row", () => {
  assertEquals(compare([row(1000), row(2000)], [request(1002), request(2002)]), NOTHING);
});

Deno.test("compareChecks() takes the agent's clock for what it is", () => {
  const hour = 3_600_000;
  const rows = [row(1000, null, hour)];
  assertEquals(compare(rows, [request(1002)], [run(60_000)], hour), NOTHING);
  const { missed, invented } = compare(rows, [request(1002)]);
  assertEquals([missed.length, invented.length], [1, 1]);
});

Deno.test("compareChecks() takes a request for that of the last check that had begun", () => {
  // However slow the machine was, between the check's start and its request.
  const rows = [row(1000), row(2000), row(3000)];
  assertEquals(compare(rows, [request(1900), request(2002), request(3500)]), NOTHING);
  const { missed, invented } = compare(rows, [request(1900), request(1950), request(3500)]);
  assertEquals([missed.length, invented.length], [1, 1]);
});

Deno.test("compareChecks() finds an answered request that is no row", () => {
  const { missed } = compare([row(1000)], [request(1002), request(2002)]);
  assertEquals(missed, [`no row of the check of ${URL} at 2026-05-01T10:00:02.002Z`]);
});

Deno.test("compareChecks() excuses an orderly stop from nothing", () => {
  assertEquals(compare([], [request(1000)], [run(1002)]).missed.length, 1);
  assertEquals(compare([], [request(1000, null)], [run(1002)]).missed.length, 1);
});

Deno.test("compareChecks() excuses kill -9 within 150 ms of the answer, and no later", () => {
  const killedAt = (ms: number) => compare([], [request(1000)], [run(ms, true)]).missed.length;
  assertEquals([1100, 1150, 1152, 1200].map(killedAt), [0, 0, 1, 1]);
  // The request of the next process.
  assertEquals([980, 900].map(killedAt), [0, 1]);
  assertEquals(compare([], [request(1000, null)], [run(1400, true)]).missed.length, 0);
  // What it had to wait for a core in the second before counts, and no more than that.
  const waiting = (endedAt: number, ms: number) => {
    const waits = [{ at: START, ms: 90_000 }, { at: START + endedAt, ms: 90_000 + ms }];
    return compare([], [request(1000)], [{ ...run(endedAt, true), waits }]).missed.length;
  };
  assertEquals([waiting(1500, 400), waiting(1700, 400), waiting(2300, 9_000)], [0, 1, 1]);
});

Deno.test("compareChecks() finds a row of a request that never came, and one there twice", () => {
  assertEquals(compare([row(1000)], []).invented, [
    `a row of ${URL} at 2026-05-01T10:00:01.000Z, which was not asked`,
  ]);
  assertEquals(compare([row(1000), row(1001)], [request(1002)]).invented.length, 1);
});

Deno.test("compareChecks() finds a failure of a site that always answers", () => {
  const failed = [row(1000, "Timed out")];
  assertEquals(compare(failed, [request(1002)]), {
    missed: [],
    invented: [`"Timed out" of ${URL} at 2026-05-01T10:00:01.000Z`],
  });
  assertEquals(compare(failed, [request(1002)], [run(1003)]).invented.length, 1);
  assertEquals(compare(failed, [request(1002)], [run(1003, true)]).invented, []);
});

Deno.test("compareChecks() wants no request for a due time that the agent did not come to", () => {
  const late = {
    ...row(1000, "This agent did not come to the check in its time"),
    reason: "local_late",
  };
  assertEquals(compare([late], []), NOTHING);
});

Deno.test("compareChecks() blames no row for the harness's own standstill", () => {
  const late = { ...request(4000), since: START + 990 };
  assertEquals(compare([row(1000)], [late]), NOTHING);
});

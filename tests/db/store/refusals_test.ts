import { assertEquals, assertThrows } from "@std/assert";
import { Refusals } from "../../../db/store/refusals.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { records, result, SOURCE } from "../fixture.ts";

const BATCH = records(0, [result(1), result(2)]);
const ERROR = new Error("No results of this site");
const ERRORS = BATCH.map(() => ERROR);

function begun() {
  const clock = new FakeClock();
  const log = recordingLog();
  const refusals = new Refusals(clock, log);
  /** A try that takes so long. */
  const judge = (ms = 0) => {
    refusals.begin("p");
    clock.stall(ms);
    refusals.judge("p", SOURCE, BATCH, ERRORS);
  };
  /** Refused every 30 s, for so long. */
  const refused = (seconds: number) => {
    for (let second = 0; second < seconds; second += 30) {
      assertThrows(() => judge(), Error, "None of 2 results can be stored");
      clock.stall(30_000);
    }
  };
  return { clock, log, judge, refused };
}

Deno.test("Refusals sets aside what is refused for ten minutes on end", () => {
  const { judge, refused } = begun();
  refused(600);
  judge();
});

Deno.test("Refusals does not count the time in which nobody tried", () => {
  const { clock, log, judge, refused } = begun();
  refused(60);
  // Another writer had the partition, and stored nothing either.
  clock.stall(3_600_000);
  refused(600);
  assertEquals(log.lines.map(({ fields }) => fields.minutesLeft), [
    ...[10],
    ...[10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
  ]);
  judge();
});

Deno.test("Refusals counts the time that tries take, however long", () => {
  const { judge } = begun();
  for (let attempt = 0; attempt < 3; attempt++) assertThrows(() => judge(250_000));
  judge(250_000);
});

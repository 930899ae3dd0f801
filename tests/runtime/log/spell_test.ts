import { assertEquals } from "@std/assert";
import { Spell } from "../../../runtime/log/spell.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const WORDS = { failed: "Storing failed", still: "Storing still fails" };
const refused = () =>
  Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });

function spell() {
  const clock = new FakeClock();
  const log = recordingLog();
  const one = new Spell(clock);
  return {
    clock,
    fail: (error: Error = refused()) => one.failed(log, error, WORDS),
    end: () => one.ended(log, "Storing works again"),
    told: () =>
      log.lines.filter(({ level }) => level !== "debug")
        .map(({ level, message, fields: { seconds } }) => [level, message, seconds ?? null]),
  };
}

Deno.test("Spell tells each cause once, and its end", async () => {
  const { fail, end, told, clock } = spell();
  fail();
  fail();
  fail(Object.assign(new Error('relation "x" does not exist'), { code: "42P01" }));
  fail();
  await clock.advance(12_000);
  end();
  end();
  assertEquals(told(), [
    ["error", "Storing failed", null],
    ["error", "Storing failed", null],
    ["notice", "Storing works again", 12],
  ]);
  fail();
  assertEquals(told().length, 4);
});

Deno.test("Spell takes texts that differ in their numbers alone for one cause", () => {
  const { fail, told } = spell();
  for (const ms of [12, 500, 7_301]) fail(new Error(`no answer after ${ms} ms`));
  assertEquals(told().length, 1);
});

Deno.test("Spell reminds after 1, 5, 15 and 60 minutes, and each hour then", async () => {
  const { fail, told, clock } = spell();
  fail();
  for (let second = 10; second <= 3 * 3_600; second += 10) {
    await clock.advance(10_000);
    fail();
  }
  assertEquals(
    told().map(([, message, seconds]) => [message, seconds]),
    [
      [WORDS.failed, null],
      ...[60, 300, 900, 3_600, 7_200, 10_800].map((seconds) => [WORDS.still, seconds]),
    ],
  );
});

Deno.test("Spell that was away over several reminders gives one", async () => {
  const { fail, told, clock } = spell();
  fail();
  await clock.advance(20 * 60_000);
  fail();
  fail();
  assertEquals(told().map(([, message]) => message), [WORDS.failed, WORDS.still]);
});

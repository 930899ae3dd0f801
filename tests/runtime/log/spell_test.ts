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
    fail: (error: Error = refused(), wording: { advice?: string; triedAt?: number } = {}) =>
      one.failed(log, error, { ...WORDS, ...wording }),
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
  await clock.advance(60_000);
  fail();
  assertEquals(told().length, 4);
});

Deno.test("Spell that comes back within a minute is told once, and its end when it stays away", async () => {
  const { fail, end, told, clock } = spell();
  for (let times = 0; times < 20; times++) {
    fail();
    await clock.advance(200);
    end();
    await clock.advance(800);
  }
  const once = [
    ["error", "Storing failed", null],
    ["notice", "Storing works again", 0.2],
    ["error", "Storing failed", null],
  ];
  assertEquals(told(), once);
  await clock.advance(60_000);
  assertEquals(told(), [...once, ["notice", "Storing works again", 19.2]]);
  await clock.advance(60_000);
  fail();
  end();
  assertEquals(told().length, 6);
});

Deno.test("Spell that comes back goes on to be reminded of", async () => {
  const { fail, end, told, clock } = spell();
  fail();
  end();
  for (let second = 0; second < 90; second++) {
    await clock.advance(1_000);
    fail();
  }
  assertEquals(told().at(-1), ["error", "Storing still fails", 60]);
});

Deno.test("Spell takes failures of one advice for one cause, and one code at two places for two", () => {
  const { fail, told } = spell();
  fail(new Error("Request Fetch timed out"), { advice: "see whether it is up" });
  fail(new Error("Broker not connected"), { advice: "see whether it is up" });
  assertEquals(told().length, 1);
  for (const port of [5432, 9092]) {
    const at = { code: "ECONNREFUSED", address: "127.0.0.1", port };
    fail(Object.assign(new Error("refused"), at));
  }
  assertEquals(told().length, 3);
});

Deno.test("Spell does not come back by what was tried before its end", async () => {
  const { fail, end, told, clock } = spell();
  const triedAt = clock.monotonic();
  fail();
  await clock.advance(100);
  end();
  fail(refused(), { triedAt });
  assertEquals(told().length, 2);
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

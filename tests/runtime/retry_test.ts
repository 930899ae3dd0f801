import { assert, assertEquals } from "@std/assert";
import { backoffMs } from "../../runtime/backoff.ts";
import { retryUntil } from "../../runtime/retry.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";

Deno.test("backoffMs() doubles from first to most", () => {
  const most = () => 1;
  assertEquals([1, 2, 3, 10].map((n) => backoffMs(n, { first: 100, most: 500 }, most)), [
    100,
    200,
    400,
    500,
  ]);
});

Deno.test("backoffMs() spreads by a factor of 0.5 to 1", () => {
  assertEquals(backoffMs(1, { first: 100 }, () => 0), 50);
  assert(backoffMs(1_000) <= 10_000);
});

Deno.test("retryUntil() gives what work gave, without a word", async () => {
  const log = recordingLog();
  const signal = new AbortController().signal;
  const result = await retryUntil("Work", () => Promise.resolve(5), {
    clock: new FakeClock(),
    log,
    signal,
  });
  assertEquals(result, { value: 5 });
  assertEquals(log.lines, []);
});

Deno.test("retryUntil() tries again and logs a spell of failures at its ends", async () => {
  const log = recordingLog();
  const clock = new FakeClock();
  let tries = 0;
  const work = () => {
    tries++;
    return tries < 4 ? Promise.reject(new Error("away")) : Promise.resolve("done");
  };
  const result = retryUntil("Work", work, { clock, log, signal: new AbortController().signal });
  await clock.advance(10_000);
  assertEquals(await result, { value: "done" });
  assertEquals(tries, 4);
  assertEquals(log.lines.filter(({ level }) => level !== "debug").map((line) => line.message), [
    "Work failed, trying again until it works",
    "Work works again",
  ]);
});

Deno.test("retryUntil() tells of each failure, also of a healthy start's, but not of the stop's", async () => {
  const controller = new AbortController();
  const clock = new FakeClock();
  const told: unknown[] = [];
  let tries = 0;
  const work = () => {
    if (++tries === 3) controller.abort();
    return Promise.reject(tries);
  };
  const result = retryUntil("Work", work, {
    clock,
    log: recordingLog(),
    signal: controller.signal,
    isPassing: () => true,
    onFailure: (error) => told.push(error),
  });
  await clock.advance(10_000);
  assertEquals([await result, told], [null, [1, 2]]);
});

Deno.test("retryUntil() gives null when the signal ends the tries", async () => {
  const controller = new AbortController();
  const clock = new FakeClock();
  const result = retryUntil("Work", () => Promise.reject(new Error("away")), {
    clock,
    log: recordingLog(),
    signal: controller.signal,
  });
  await clock.advance(1);
  controller.abort();
  assertEquals(await result, null);
});

Deno.test("retryUntil() says nothing of failures that pass by themselves", async () => {
  const log = recordingLog();
  const clock = new FakeClock();
  const failures = [5, 6].map((count) => async () => {
    let tries = 0;
    const result = retryUntil(
      "Work",
      () => tries++ < count ? Promise.reject(new Error("loading")) : Promise.resolve(tries),
      { clock, log, signal: new AbortController().signal, isPassing: () => true },
    );
    await clock.advance(60_000);
    return await result;
  });
  assertEquals(await failures[0]!(), { value: 6 });
  assertEquals(log.lines.filter(({ level }) => level !== "debug"), []);
  assertEquals(await failures[1]!(), { value: 7 });
  assertEquals(log.lines.filter(({ level }) => level !== "debug").map(({ level }) => level), [
    "error",
    "notice",
  ]);
});

Deno.test("retryUntil() says nothing of failures that pass when what was away comes back", async () => {
  const log = recordingLog();
  const clock = new FakeClock();
  const failures = ["away", "loading", "loading"];
  const result = retryUntil("Work", () => {
    const failure = failures.shift();
    return failure === undefined ? Promise.resolve("done") : Promise.reject(new Error(failure));
  }, {
    clock,
    log,
    signal: new AbortController().signal,
    isPassing: (error) => (error as Error).message === "loading",
  });
  await clock.advance(60_000);
  assertEquals(await result, { value: "done" });
  assertEquals(log.lines.filter(({ level }) => level !== "debug").map(({ level }) => level), [
    "error",
    "notice",
  ]);
});

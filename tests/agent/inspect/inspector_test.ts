import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import type { Worker } from "node:worker_threads";
import { Inspector } from "../../../agent/inspect/inspector.ts";
import type { Inspection } from "../../../agent/inspect/inspection.ts";
import { compileRegex } from "../../../config/site/regex.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { longestHold, threadCpuMs } from "../../support/longest_hold.ts";
import { counted, outcome, RecordingThread, request } from "./support.ts";

/** A pattern and a text over which no automaton stays small: 16 KiB take some 100 ms. */
const SLOW = "(a|b)*a(a|b){50}[cd]";
function slowText(bytes: number): string {
  let seed = 1;
  let text = "";
  while (text.length < bytes) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    text += seed & 0x10000 ? "a" : "b";
  }
  return text;
}

Deno.test("Inspector finds, and does not find, in small and in large bodies", async () => {
  const { inspector, threads } = counted(1);
  const large = "x\n".repeat(500_000);
  for (const filling of ["", large]) {
    for (const needle of ["needle", "needles"]) {
      const found = await inspector.inspect(request("^needle$", `${filling}${needle}\n`), 5_000);
      assertEquals(found, outcome(needle === "needle"));
    }
  }
  assertEquals(threads.length, 1);
  await inspector.close();
});

Deno.test("Inspector uses no thread for a small body, once the pattern is known to be cheap", async () => {
  const { inspector, threads } = counted(1);
  await inspector.inspect(request("needle", "first"), 5_000);
  await threads[0]!.terminate();
  for (const text of ["a needle", "none"]) {
    assertEquals(
      await inspector.inspect(request("needle", text), 5_000),
      outcome(text === "a needle"),
    );
  }
  assertEquals(threads.length, 1);
  await inspector.close();
});

Deno.test("Inspector does not hold the event loop, however costly the search", async () => {
  const { inspector } = counted(1);
  const alternation = "(?i)(alpha|beta|gamma|delta|epsilon)\\s+(one|two|three)";
  const work: Inspection[] = [
    ...new Array(10).fill(request(alternation, slowText(2 ** 20))),
    ...new Array(3).fill(request(SLOW, slowText(12_000))),
  ];
  // The same here would hold it for a second or so.
  const start = threadCpuMs();
  const expected = work.map(({ searches: [search], body }) =>
    outcome(compileRegex(search!.pattern).test(new TextDecoder().decode(body)))
  );
  const inline = threadCpuMs() - start;

  for (const pattern of [alternation, SLOW]) {
    await inspector.inspect(request(pattern, "ab"), 30_000); // the thread is up, the pattern known
  }
  const [outcomes, longest] = await longestHold(() =>
    Promise.all(work.map((request) => inspector.inspect(request, 120_000)))
  );
  assertEquals(outcomes, expected);
  assertLess(longest, inline / 3, `inline ${inline} ms`);
  await inspector.close();
});

for (
  const { name, pattern, bytes, thread } of [
    {
      name: "here for a small page and a simple pattern",
      pattern: "ok$",
      bytes: 10_000,
      thread: false,
    },
    { name: "in a thread for a page over 16 KiB", pattern: "a", bytes: 16_385, thread: true },
    { name: "in a thread for a longer pattern", pattern: "a.{20}b", bytes: 10_000, thread: true },
    {
      name: "here for a longer pattern and a tiny page",
      pattern: "a.{20}b",
      bytes: 500,
      thread: false,
    },
    { name: "in a thread for a huge pattern", pattern: "a.{900}b", bytes: 10, thread: true },
  ]
) {
  Deno.test(`Inspector looks ${name}`, async () => {
    const recording = new RecordingThread();
    const inspector = new Inspector(new FakeClock(), 1, () => recording as unknown as Worker);
    await inspector.inspect(request(pattern, ""), 5_000);
    assertEquals(recording.asked.length, 1, "the first search of a pattern");
    await inspector.inspect(request(pattern, "x".repeat(bytes)), 5_000);
    assertEquals(recording.asked.length, thread ? 2 : 1);
    await inspector.close();
  });
}

Deno.test("Inspector gives an inspection up at its limit, ends its thread, and goes on with the next", async () => {
  const { inspector, threads, clock } = counted(1);
  const slow = inspector.inspect(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 300);
  const next = inspector.inspect(request("b", "abc"), 10_000);
  await clock.advance(300);
  assertEquals(await slow, {
    ok: false,
    error: "The inspection of the body did not end within 300 ms",
  });
  assertEquals((await next).ok, true);
  assertEquals(threads.length, 2);
  await inspector.close();
});

Deno.test("Inspector gives up an inspection that waits for a thread past its limit", async () => {
  const { inspector, threads, clock } = counted(1);
  const slow = inspector.inspect(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 600_000);
  const waiting = inspector.inspect(request("b", "abc"), 50);
  await clock.advance(50);
  assertEquals(await waiting, {
    ok: false,
    error: "The inspection of the body did not end within 50 ms",
  });
  assertEquals(threads.length, 1);
  await inspector.close();
  assertEquals((await slow).ok, false);
});

Deno.test("Inspector runs as many threads as it may, and no more", async () => {
  const { inspector, threads } = counted(2);
  const all = [1, 2, 3, 4, 5].map((i) => inspector.inspect(request(`needle ${i}`, "x"), 10_000));
  for (const outcome of await Promise.all(all)) assert(outcome.ok);
  assertEquals(threads.length, 2);
  await inspector.close();
});

Deno.test("Inspector fails the inspection of a thread that dies, and starts another", async () => {
  const { inspector, threads } = counted(1);
  const doomed = inspector.inspect(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 10_000);
  void threads[0]!.terminate();
  const failed = await doomed;
  assert(!failed.ok);
  assertStringIncludes(failed.error, "The thread that inspects bodies failed");
  assertEquals((await inspector.inspect(request("b", "abc"), 10_000)).ok, true);
  assertEquals(threads.length, 2);
  await inspector.close();
});

Deno.test("Inspector says what is wrong with a pattern, and goes on", async () => {
  const { inspector } = counted(1);
  const failed = await inspector.inspect(request("(", "abc"), 10_000);
  assert(!failed.ok);
  assertStringIncludes(failed.error, "RE2");
  assertEquals((await inspector.inspect(request("b", "abc"), 10_000)).ok, true);
  await inspector.close();
});

Deno.test("Inspector.close() fails what is under way, and what comes after", async () => {
  const { inspector } = counted(1);
  const slow = inspector.inspect(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 10_000);
  const waiting = inspector.inspect(request("b", "abc"), 10_000);
  await inspector.close();
  for (
    const outcome of [await slow, await waiting, await inspector.inspect(request("b", "b"), 9_000)]
  ) {
    assertEquals(outcome, { ok: false, error: "The inspection of the body was stopped" });
  }
});

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { EventEmitter } from "node:events";
import type { Worker } from "node:worker_threads";
import type { SearchRequest } from "../../../agent/regex/protocol.ts";
import { RegexSearch } from "../../../agent/regex/search.ts";
import { compileRegex } from "../../../config/regex.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { startWorker } from "../../../runtime/worker.ts";

const utf8 = new TextEncoder();

function request(pattern: string, text: string) {
  return { pattern, body: utf8.encode(text), charset: null };
}

/** A search that counts the threads it starts. */
function counted(maxThreads = 2) {
  const threads: Worker[] = [];
  const search = new RegexSearch(systemClock, maxThreads, () => {
    threads.push(startWorker("regex"));
    return threads.at(-1)!;
  });
  return { search, threads };
}

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

Deno.test("RegexSearch finds, and does not find, in small and in large bodies", async () => {
  const { search, threads } = counted(1);
  const large = "x\n".repeat(500_000);
  for (const filling of ["", large]) {
    for (const needle of ["needle", "needles"]) {
      const outcome = await search.search(request("^needle$", `${filling}${needle}\n`), 5_000);
      assertEquals(outcome, { ok: true, matched: needle === "needle" });
    }
  }
  assertEquals(threads.length, 1);
  await search.close();
});

Deno.test("RegexSearch uses no thread for a small body, once the pattern is known to be cheap", async () => {
  const { search, threads } = counted(1);
  await search.search(request("needle", "first"), 5_000);
  await threads[0]!.terminate();
  for (const text of ["a needle", "none"]) {
    assertEquals(await search.search(request("needle", text), 5_000), {
      ok: true,
      matched: text === "a needle",
    });
  }
  assertEquals(threads.length, 1);
  await search.close();
});

Deno.test("RegexSearch does not hold the event loop, however costly the search", async () => {
  const { search } = counted(1);
  const alternation = "(?i)(alpha|beta|gamma|delta|epsilon)\\s+(one|two|three)";
  const work: SearchRequest[] = [
    ...new Array(10).fill(request(alternation, slowText(2 ** 20))),
    ...new Array(3).fill(request(SLOW, slowText(12_000))),
  ];
  // The same here would hold it for a second or so.
  const start = performance.now();
  const expected = work.map(({ pattern, body }) => ({
    ok: true as const,
    matched: compileRegex(pattern).test(new TextDecoder().decode(body)),
  }));
  const inline = performance.now() - start;

  for (const { pattern } of [work[0]!, work.at(-1)!]) {
    await search.search(request(pattern, "ab"), 30_000); // the thread is up, the pattern known
  }
  let longest = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 2);
  const outcomes = await Promise.all(work.map((request) => search.search(request, 120_000)));
  clearInterval(beat);
  assertEquals(outcomes, expected);
  // 20 ms on a machine of its own; a busy one takes turns away from this thread, too.
  assertLess(longest, inline / 3, `inline ${inline} ms`);
  await search.close();
});

/** A thread that finds nothing, and keeps what it was asked. */
class RecordingThread extends EventEmitter {
  asked: SearchRequest[] = [];
  postMessage(request: SearchRequest): void {
    this.asked.push(request);
    const programSize = compileRegex(request.pattern).programSize();
    queueMicrotask(() => this.emit("message", { ok: true, matched: false, programSize }));
  }
  terminate(): Promise<number> {
    return Promise.resolve(0);
  }
}

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
  Deno.test(`RegexSearch searches ${name}`, async () => {
    const recording = new RecordingThread();
    const search = new RegexSearch(systemClock, 1, () => recording as unknown as Worker);
    await search.search(request(pattern, ""), 5_000);
    assertEquals(recording.asked.length, 1, "the first search of a pattern");
    await search.search(request(pattern, "x".repeat(bytes)), 5_000);
    assertEquals(recording.asked.length, thread ? 2 : 1);
    await search.close();
  });
}

Deno.test("RegexSearch gives a search up at its limit, ends its thread, and goes on with the next", async () => {
  const { search, threads } = counted(1);
  const slow = search.search(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 300);
  const next = search.search(request("b", "abc"), 10_000);
  assertEquals(await slow, { ok: false, error: "The regex search did not end within 300 ms" });
  assertEquals((await next).ok, true);
  assertEquals(threads.length, 2);
  await search.close();
});

Deno.test("RegexSearch gives up a search that waits for a thread past its limit", async () => {
  const { search, threads } = counted(1);
  const slow = search.search(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 600);
  const waiting = await search.search(request("b", "abc"), 50);
  assertEquals(waiting, { ok: false, error: "The regex search did not end within 50 ms" });
  assertEquals((await slow).ok, false);
  assertEquals(threads.length, 1);
  await search.close();
});

Deno.test("RegexSearch runs as many threads as it may, and no more", async () => {
  const { search, threads } = counted(2);
  const all = [1, 2, 3, 4, 5].map((i) => search.search(request(`needle ${i}`, "x"), 10_000));
  for (const outcome of await Promise.all(all)) assert(outcome.ok);
  assertEquals(threads.length, 2);
  await search.close();
});

Deno.test("RegexSearch.start() starts all threads, and none is started later", async () => {
  const { search, threads } = counted(2);
  search.start();
  search.start();
  assertEquals(threads.length, 2);
  const all = [1, 2, 3].map((i) => search.search(request(`needle ${i}`, "x"), 10_000));
  for (const outcome of await Promise.all(all)) assert(outcome.ok);
  assertEquals(threads.length, 2);
  await search.close();
});

Deno.test("RegexSearch fails the search of a thread that dies, and starts another", async () => {
  const { search, threads } = counted(1);
  const doomed = search.search(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 10_000);
  void threads[0]!.terminate();
  const outcome = await doomed;
  assert(!outcome.ok);
  assertStringIncludes(outcome.error, "The thread of the regex search failed");
  assertEquals((await search.search(request("b", "abc"), 10_000)).ok, true);
  assertEquals(threads.length, 2);
  await search.close();
});

Deno.test("RegexSearch says what is wrong with a pattern, and goes on", async () => {
  const { search } = counted(1);
  const outcome = await search.search(request("(", "abc"), 10_000);
  assert(!outcome.ok);
  assertStringIncludes(outcome.error, "RE2");
  assertEquals((await search.search(request("b", "abc"), 10_000)).ok, true);
  await search.close();
});

Deno.test("RegexSearch.close() fails what is under way, and what comes after", async () => {
  const { search } = counted(1);
  const slow = search.search(request(`(?:${SLOW}){3}`, slowText(2 ** 20)), 10_000);
  const waiting = search.search(request("b", "abc"), 10_000);
  await search.close();
  for (
    const outcome of [await slow, await waiting, await search.search(request("b", "b"), 9_000)]
  ) {
    assertEquals(outcome, { ok: false, error: "The regex search was stopped" });
  }
});

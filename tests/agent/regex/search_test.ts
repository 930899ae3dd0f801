import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import type { Worker } from "node:worker_threads";
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

for (
  const { name, pattern, bytes, times } of [
    {
      name: "a case-insensitive alternation over 1 MiB",
      pattern: "(?i)(alpha|beta|gamma|delta|epsilon)\\s+(one|two|three)",
      bytes: 2 ** 20,
      times: 20,
    },
    { name: "a costly pattern over a small page", pattern: SLOW, bytes: 12_000, times: 4 },
  ]
) {
  Deno.test(`RegexSearch does not hold the event loop: ${name}`, async () => {
    const { search } = counted(1);
    const text = slowText(bytes);
    const inlineStart = performance.now();
    const regex = compileRegex(pattern);
    const matched = regex.test(text);
    for (let i = 1; i < times; i++) compileRegex(pattern).test(text);
    const inline = performance.now() - inlineStart;

    await search.search(request(pattern, "ab"), 10_000); // the thread is up, the pattern known
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 2);
    const searches = Array.from(
      { length: times },
      () => search.search(request(pattern, text), 60_000),
    );
    const outcomes = await Promise.all(searches);
    clearInterval(beat);
    for (const outcome of outcomes) assertEquals(outcome, { ok: true, matched });
    // What other processes take of the machine comes on top.
    assertLess(longest, Math.max(20, inline / 3), `inline ${inline} ms`);
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

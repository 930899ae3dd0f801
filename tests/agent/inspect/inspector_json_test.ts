import { assertEquals } from "@std/assert";
import type { Worker } from "node:worker_threads";
import { Inspector } from "../../../agent/inspect/inspector.ts";
import type { Inspection, InspectionOutcome } from "../../../agent/inspect/inspection.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { counted, outcome, RecordingThread, request } from "./support.ts";

const utf8 = new TextEncoder();

const PATH = { equals: undefined, matches: null, min: null, max: null };

for (
  const { name, inspection, thread } of [
    { name: "here by a plain path", inspection: asksJson('a.b[0]."c-d"', 10), thread: false },
    {
      name: "in a thread by a path with a filter",
      inspection: asksJson("a[?b]", 10),
      thread: true,
    },
    {
      name: "in a thread by a path with a function",
      inspection: asksJson("length(a)", 10),
      thread: true,
    },
    {
      name: "in a thread by a path with a wildcard",
      inspection: asksJson("a[*].b", 10),
      thread: true,
    },
    { name: "in a thread in a body over 16 KiB", inspection: asksJson("a", 16_385), thread: true },
  ]
) {
  Deno.test(`Inspector looks for a JSON value ${name}`, async () => {
    const recording = new RecordingThread();
    const inspector = new Inspector(new FakeClock(), 1, () => recording as unknown as Worker);
    await inspector.inspect(inspection, 5_000);
    assertEquals(recording.asked.length, thread ? 1 : 0);
    await inspector.close();
  });
}

function asksJson(path: string, bytes: number): Inspection {
  const body = utf8.encode(`{"a":1}${" ".repeat(bytes)}`);
  return { body, contentType: null, searches: [], json: [{ path, ...PATH, min: 1 }] };
}

Deno.test("Inspector takes the sum of all searches for what they cost", async () => {
  const recording = new RecordingThread();
  const inspector = new Inspector(new FakeClock(), 1, () => recording as unknown as Worker);
  const searches = (count: number) =>
    new Array(count).fill({ pattern: "ok$", text: "x".repeat(10_000) });
  const inspection = { body: new Uint8Array(0), contentType: null, json: [] };
  await inspector.inspect({ ...inspection, searches: searches(1) }, 5_000);
  await inspector.inspect({ ...inspection, searches: searches(1) }, 5_000);
  assertEquals(recording.asked.length, 1);
  await inspector.inspect({ ...inspection, searches: searches(10) }, 5_000);
  assertEquals(recording.asked.length, 2);
  await inspector.close();
});

Deno.test("Inspector sends a thread no body that nobody asks of", async () => {
  const recording = new RecordingThread();
  const inspector = new Inspector(new FakeClock(), 1, () => recording as unknown as Worker);
  const searches = [{ pattern: "a", text: "a header" }];
  const body = new Uint8Array(1_000_000);
  await inspector.inspect({ body, contentType: null, searches, json: [] }, 5_000);
  assertEquals(recording.asked.map(({ body }) => body.length), [0]);
  assertEquals(body.length, 1_000_000);
  await inspector.close();
});

Deno.test("Inspector finds in a thread what it finds here", async () => {
  const { inspector } = counted(1);
  const json = '{"status":{"ok":true,"n":3,"list":[1,2]},"name":"Ünï"}';
  const rules = [
    { path: "status.ok", ...PATH, equals: true },
    { path: "status.list", ...PATH, equals: [1, 2] },
    { path: "status.n", ...PATH, min: 4 },
    { path: "name", ...PATH, matches: "^Ünï$" },
    { path: "missing", ...PATH, matches: "." },
  ];
  const expected: InspectionOutcome = {
    ok: true,
    found: {
      matched: [true, false],
      json: [
        { ok: true, found: "true" },
        { ok: true, found: "[1,2]" },
        { ok: false, found: "3" },
        { ok: true, found: '"Ünï"' },
        { ok: false, found: null },
      ],
    },
  };
  const searches = [{ pattern: "Ünï", text: null }, { pattern: "^b", text: "ab" }];
  for (const filling of ["", " ".repeat(100_000)]) {
    const body = utf8.encode(json + filling);
    for (let i = 0; i < 2; i++) {
      const found = await inspector.inspect(
        { body, contentType: null, searches, json: rules },
        9_000,
      );
      assertEquals(found, expected);
    }
  }
  await inspector.close();
});

Deno.test("Inspector ends a path that takes too long over a body", async () => {
  const { inspector, threads, clock } = counted(1);
  // Each of 50,000 numbers is compared with all of them.
  const body = utf8.encode(`[${new Array(50_000).fill(1).join(",")}]`);
  const json = [{ path: "length([?contains($, `2`) || @ == `1`])", ...PATH, min: 1 }];
  const inspection = { body, contentType: null, searches: [], json };
  const slow = inspector.inspect(inspection, 300);
  await clock.advance(300);
  assertEquals(await slow, {
    ok: false,
    error: "The inspection of the body did not end within 300 ms",
  });
  assertEquals(await inspector.inspect(request("b", "abc"), 10_000), outcome(true));
  assertEquals(threads.length, 2);
  await inspector.close();
});

import { assert, assertEquals } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { writeConfigWithout } from "../../scripts/config_without.ts";
import { isIn, plan } from "../../scripts/test/plan.ts";
import { Reach } from "../../scripts/test/reach.ts";
import { countsOf, lineOf, slowestOf, totalOf } from "../../scripts/test/report.ts";
import { runGroup, splitTimes } from "../../scripts/test/run.ts";

Deno.test("countsOf() reads the last summary that deno test prints", () => {
  assertEquals(countsOf("x\nok | 5 passed | 0 failed (13ms)\n"), {
    passed: 5,
    failed: 0,
    skipped: 0,
  });
  assertEquals(
    countsOf("FAILED | 27 passed (14 steps) | 1 failed | 2 ignored (24s)\n\nerror: Test failed\n"),
    { passed: 27, failed: 1, skipped: 2 },
  );
});

Deno.test("countsOf() gives null for a run that died before its summary", () => {
  assertEquals(countsOf("running 3 tests\n"), null);
});

Deno.test("totalOf() adds up runs, and counts one that died or ended badly as a failure", () => {
  const fine = { code: 0, output: "ok | 5 passed | 0 failed | 1 ignored (13ms)\n" };
  const failed = { code: 1, output: "FAILED | 2 passed | 3 failed (1s)\n" };
  assertEquals(totalOf([fine, failed]), { passed: 7, failed: 3, skipped: 1 });
  assertEquals(totalOf([fine, { code: 139, output: "running 3 tests\n" }]).failed, 1);
  assertEquals(totalOf([fine, { ...fine, code: 1 }]).failed, 1);
});

Deno.test("slowestOf() gives the slowest tests of all runs", () => {
  const outputs = [
    "a is quick ... ok (12ms)\n  a step ... ok (7s)\na waits ... and waits ... ok (3s)\n",
    "b waits ... FAILED (1m5s)\nb is between ... ok (41s)\n",
  ];
  assertEquals(slowestOf(outputs.map((output) => ({ output })), 3), [
    "  65.0 s  b waits",
    "  41.0 s  b is between",
    "   3.0 s  a waits ... and waits",
  ]);
});

Deno.test("splitTimes() takes what a shell says of its children's time off its output", () => {
  assertEquals(
    splitTimes("ok | 1 passed\n0m0.000000s 0m0.000000s\n1m2.500000s 0m1.250000s\n"),
    { output: "ok | 1 passed", cpu: 63.75 },
  );
});

Deno.test("runGroup() runs files as one program, and tells what CPU time they took", async () => {
  const files = ["tests/runtime/ops/histogram_test.ts", "tests/wire/timestamp_test.ts"];
  const run = await runGroup({ name: "two", files }, { flags: [], env: {} });
  assertEquals(run.code, 0, run.output);
  assert(countsOf(run.output)!.passed > 10 && run.cpu > 0.01 && run.seconds > 0);
  assert(/^ +[\d.]+ s, CPU +[\d.]+ s {2}two: \d+ passed$/.test(lineOf(run)), lineOf(run));
  const none = await runGroup({ name: "none", files: ["tests/none_test.ts"] }, {
    flags: [],
    env: {},
  });
  assertEquals(totalOf([none]).failed, 1);
});

Deno.test("Reach tells what a file comes to: by imports, and by what it names beside them", () => {
  const reach = new Reach();
  const distance = (file: string, ...changed: string[]) => reach.distance(file, changed);
  assertEquals(distance("tests/wire/timestamp_test.ts", "tests/wire/timestamp_test.ts"), 0);
  assertEquals(distance("tests/wire/timestamp_test.ts", "wire/timestamp.ts"), 1);
  assertEquals(distance("tests/wire/timestamp_test.ts", "wire/decode.ts"), Infinity);
  // A thread, a migration, a fixture's folder, a page.
  for (
    const [file, changed] of [
      ["tests/runtime/thread/thread_test.ts", "tests/runtime/thread/thread_child.ts"],
      ["tests/db/store/store_test.ts", "db/schema/migrations/000001_new.sql"],
      ["tests/config/bad_fixtures_test.ts", "tests/fixtures/config/bad/new.yaml"],
      ["tests/alerts/metrics_test.ts", "docs/metrics.md"],
    ] as const
  ) assert(distance(file, changed) < Infinity, file);
  // A program is started, whatever it needs; a type is the compiler's.
  assert(distance("tests/end_to_end/ops_test.ts", "main.ts") < Infinity);
  assertEquals(distance("tests/end_to_end/tasks_test.ts", "agent/check/judge.ts"), Infinity);
});

Deno.test("plan() puts files together that start nothing, and lets long ones begin first", () => {
  const reach = new Reach();
  const files = [
    "tests/agent/hash_test.ts",
    "tests/db/store/store_test.ts",
    "tests/end_to_end/ops_test.ts",
    "tests/wire/timestamp_test.ts",
  ];
  const [hash, store, ops, timestamp] = files as [string, string, string, string];
  const plans = (options?: { alone: boolean }) =>
    plan(files, reach, options).map((group) => group.files);
  assertEquals(plans(), [[ops], [hash, timestamp], [store]]);
  assertEquals(plans({ alone: true }), [[ops], [hash], [timestamp], [store]]);
  assertEquals([isIn("a/b/c", ["a/b"]), isIn("a/bc", ["a/b"])], [true, false]);
});

Deno.test("writeConfigWithout() leaves out one key and nothing else", async () => {
  const path = await writeConfigWithout("links");
  try {
    const { links, ...rest } = manifest;
    assertEquals(links, ["./compat/yaml", "./compat/cli", "./compat/assert"]);
    assertEquals(JSON.parse(await Deno.readTextFile(path)), rest);
  } finally {
    await Deno.remove(path);
  }
});

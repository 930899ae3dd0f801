import { assertEquals } from "@std/assert";
import { countsOf, slowestOf, totalOf } from "../../scripts/test.ts";
import { writeJsrConfig } from "../../scripts/jsr_config.ts";
import manifest from "../../deno.json" with { type: "json" };

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
  assertEquals(
    countsOf("\x1b[0mok | 1 passed | 0 failed\x1b[0m".replace("\x1b[0m", ""))?.passed,
    1,
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

Deno.test("writeJsrConfig() leaves out the stand-ins and nothing else", async () => {
  const path = await writeJsrConfig();
  try {
    const { links, ...rest } = manifest;
    assertEquals(links, ["./compat/yaml", "./compat/cli", "./compat/assert"]);
    assertEquals(JSON.parse(await Deno.readTextFile(path)), rest);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("slowestOf() gives the slowest tests, of what deno test prints of files side by side", () => {
  const output = [
    "\x1b[0m\x1b[38;5;245m./tests/a_test.ts => \x1b[0ma is quick ... \x1b[0m\x1b[32mok\x1b[0m (12ms)",
    "./tests/a_test.ts => a waits ... and waits ... ok (3s)",
    "./tests/b_test.ts => b waits ... FAILED (1m5s)",
    "./tests/b_test.ts => b is between ... ok (41s)",
  ].join("\n");
  assertEquals(slowestOf(output, 2), [
    "  1m5s  ./tests/b_test.ts: b waits",
    "   41s  ./tests/b_test.ts: b is between",
  ]);
});

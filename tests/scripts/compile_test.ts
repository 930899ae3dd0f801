import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { denoCompile, NoBaseBinaryError } from "../../scripts/build/deno_compile.ts";
import { type Executable, EXECUTABLES } from "../../scripts/build/executables.ts";
import { ROOT, TASKS } from "../../scripts/build/project.ts";
import { compile } from "../../scripts/compile.ts";
import { runEndToEnd } from "../support/end_to_end.ts";

Deno.test("EXECUTABLES are one for each mode that runs by itself, and one for all", () => {
  assertEquals(EXECUTABLES.map(({ name, args }) => ({ name, args })), [
    { name: "httpmon", args: [] },
    { name: "httpmon-agent", args: ["agent"] },
    { name: "httpmon-writer", args: ["writer"] },
    { name: "httpmon-init-schema", args: ["init-schema"] },
  ]);
});

Deno.test("EXECUTABLES may do what their tasks may, and no more", () => {
  for (const { permissions, args: [mode = "httpmon"] } of EXECUTABLES) {
    assertEquals(
      TASKS[mode]!.command,
      ["deno run", ...permissions, "main.ts", ...(mode === "httpmon" ? [] : [mode])].join(" "),
    );
    assert(permissions.every((flag) => flag.startsWith("--allow-")), permissions.join(" "));
    assert(!permissions.includes("--allow-all"));
  }
});

// Deno's real base binary may be out of reach. Any program can stand in for it: deno compile then
// does all its work, but what it makes does not run.
Deno.test("denoCompile() puts in what no import names", async () => {
  await withFolder(async (folder) => {
    const agent = named("httpmon-agent");
    const listing = await denoCompile(agent, folder, { DENORT_BIN: "/bin/true" });
    const embedded = await Deno.readTextFile(join(folder, agent.name)).catch(() => "");
    assertEquals(embedded, "");
    for (const file of ["migrations", "outbox", "regex", "main.ts"]) {
      assertStringIncludes(listing, file);
    }
  });
});

Deno.test("denoCompile() tells a base binary that cannot be had from other failures", async () => {
  await withFolder(async (folder) => {
    const wrong: Executable = { name: "wrong", permissions: ["--allow-nonsense"], args: [] };
    const error = await assertRejects(() => denoCompile(wrong, folder), Error, "--allow-nonsense");
    assert(!(error instanceof NoBaseBinaryError));
  });
});

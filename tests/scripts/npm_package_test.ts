/** The package as a person gets it: packed, installed into an empty folder, run by Node. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import ts from "typescript";
import { nodeBinary } from "../../scripts/build/node_binary.ts";
import { BUNDLED_NODE, OLDEST_NODE } from "../../scripts/build/node_versions.ts";
import { VERSION } from "../../scripts/build/project.ts";
import { writeNpmPackage } from "../../scripts/build_npm.ts";
import { decode } from "../../wire/decode.ts";
import { runEndToEnd } from "../support/program/end_to_end.ts";

const EMBEDS = `import { decodeResult, runCheck } from "httpmon";
const message = await runCheck(process.argv[2], { regex: "well", timeout: 5 });
const decoded = decodeResult(new TextEncoder().encode(JSON.stringify(message)));
const wrong = await runCheck(process.argv[2], { timeout: -1 }).catch((error) => error.message);
console.log(JSON.stringify({ verdict: message.verdict, ok: decoded.ok, wrong }));
`;

/** The second line must not compile. */
const TYPES =
  `import { type ConfigFile, decodeResult, type ResultMessage, runCheck } from "httpmon";
const config: ConfigFile = { loglevl: "INFO" };
const fine: ConfigFile = {
  loglevel: "INFO",
  kafka: { monitoring: { bootstrap_servers: ["a:1"], sasl_password: "\${PASSWORD}", acks: "all" } },
  websites: { "https://example.com/": { regex: "x", timeout: 5, valid_status_codes: [200, "3xx"] } },
  database: { writer: { dsn_file: "dsn" } },
};
const message: ResultMessage = await runCheck("https://example.com/", { regex: "x" });
const decoded = decodeResult(null);
if (!decoded.ok) console.log(decoded.reason, config, fine, message.ts);
`;

/** Where there is Deno alone, there is no npm. */
function hasNpm(): boolean {
  try {
    return new Deno.Command("npm", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "the npm package, packed and installed, runs, is embedded, and has types",
  ignore: !hasNpm(),
  fn: packedAndInstalled,
});

async function packedAndInstalled(t: Deno.TestContext): Promise<void> {
  await using site = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("all is well"),
  );
  const url = `http://127.0.0.1:${site.addr.port}/`;
  const folder = await Deno.makeTempDir();
  try {
    const made = join(folder, "made");
    const home = join(folder, "home");
    await writeNpmPackage(made);
    await Deno.mkdir(home);
    await run("npm", ["pack", "--silent", "--pack-destination", folder, made], folder);
    const tarball = join(folder, `httpmon-${VERSION}.tgz`);
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], home);
    await writeFile(join(home, "embeds.mjs"), EMBEDS);

    for (const version of [OLDEST_NODE, BUNDLED_NODE]) {
      const node = await nodeBinary(version);
      // As the link's "#!/usr/bin/env node" finds it.
      const env = { PATH: `${dirname(node)}:/usr/bin:/bin` };
      const httpmon = (...args: string[]) => run("node_modules/.bin/httpmon", args, home, env);

      await t.step(`Node ${version}: the program`, async () => {
        assertEquals(await httpmon("--version"), `httpmon ${VERSION}\n`);
        const checked = decode(new TextEncoder().encode(await httpmon("check", "--json", url)));
        assert(checked.ok && checked.message.verdict === "up");
      });

      await t.step(`Node ${version}: what embeds it`, async () => {
        const { wrong, ...rest } = JSON.parse(await run(node, ["embeds.mjs", url], home));
        assertEquals(rest, { verdict: "up", ok: true });
        assertMatch(wrong, /timeout: expected a number over 0/);
      });
    }

    await t.step("its types", async () => {
      const file = join(home, "types.mts");
      await writeFile(file, TYPES);
      const program = ts.createProgram([file], {
        module: ts.ModuleKind.NodeNext,
        target: ts.ScriptTarget.ES2023,
        strict: true,
        noEmit: true,
        types: [],
        lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
      });
      const found = ts.getPreEmitDiagnostics(program).map(({ messageText, start, file }) =>
        `${file!.getLineAndCharacterOfPosition(start!).line}: ${
          ts.flattenDiagnosticMessageText(messageText, " ")
        }`
      );
      assertEquals(found.length, 1, found.join("\n"));
      assertMatch(found[0]!, /^1: .*'loglevl' does not exist/);
    });

    await t.step("init-schema, agent and writer, end to end", async () => {
      const program = [
        await nodeBinary(BUNDLED_NODE),
        join(home, "node_modules/httpmon/httpmon.cjs"),
      ];
      await runEndToEnd({
        "init-schema": [...program, "init-schema"],
        agent: [...program, "agent"],
        writer: [...program, "writer"],
      });
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(command: string, args: string[], cwd: string, env?: Record<string, string>) {
  const path = command.startsWith("node_modules") ? join(cwd, command) : command;
  const { code, stdout, stderr } = await new Deno.Command(path, { args, cwd, env }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(code === 0, `${command} ${args.join(" ")}\n${text(stderr)}${text(stdout)}`);
  return text(stdout);
}

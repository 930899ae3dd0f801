import { assert, assertEquals, assertLess } from "@std/assert";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMode } from "../../runtime/cli/modes.ts";
import { ROOT } from "../../scripts/build/project.ts";

const UNITS = join(ROOT, "deploy/systemd");
const TEMPLATE = "httpmon@.service";
const MODES = ["agent", "writer", "alerts", "web", "init-schema", "maintain"];

const analyze = (...args: string[]) => new Deno.Command("systemd-analyze", { args }).outputSync();

function hasSystemd(): boolean {
  try {
    return analyze("--version").success;
  } catch {
    return false;
  }
}

Deno.test("the units start each mode by its name", async () => {
  const text = await readFile(join(UNITS, TEMPLATE), "utf8");
  assert(MODES.every(isMode));
  assert(/^ExecStart=\S+\/httpmon %i$/m.test(text));
  // The code of a bad config, by runtime/cli/exit_codes.ts.
  assert(/^RestartPreventExitStatus=2$/m.test(text));
});

Deno.test("each mode is a user of its own, so that none reads another's password in /proc", async () => {
  const text = await readFile(join(UNITS, TEMPLATE), "utf8");
  assert(/^DynamicUser=yes\nUser=httpmon-%i$/m.test(text));
});

Deno.test({
  name: "systemd takes the units, and finds little exposed",
  ignore: !hasSystemd(),
  async fn() {
    const folder = await mkdtemp(join(tmpdir(), "httpmon-units-"));
    try {
      await cp(UNITS, folder, { recursive: true });
      // A program that is there.
      const text = (await readFile(join(folder, TEMPLATE), "utf8"))
        .replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
      for (const mode of MODES) await writeFile(join(folder, `httpmon@${mode}.service`), text);
      const decoder = new TextDecoder();
      // It looks at what they are started after, too.
      const ofOurs = (stderr: Uint8Array) =>
        decoder.decode(stderr).split("\n").filter((line) => line.includes("httpmon"));
      const timer = analyze("verify", join(folder, "httpmon@maintain.timer"));
      assertEquals([timer.code, ofOurs(timer.stderr)], [0, []]);
      for (const mode of MODES) {
        const unit = join(folder, `httpmon@${mode}.service`);
        const { code, stderr } = analyze("verify", unit);
        assertEquals([code, ofOurs(stderr)], [0, []], mode);
        const { stdout } = analyze("security", "--offline=true", "--no-pager", unit);
        const [, exposure] = /exposure level for .*: ([\d.]+)/.exec(decoder.decode(stdout))!;
        assertLess(Number(exposure), 2, mode);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

import { assertEquals } from "@std/assert";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../config/load.ts";

Deno.test("loadConfig() has agent.state_dir from the config's folder, and finds it where it was before", async () => {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-state-dir-"));
  const cwd = join(folder, "stood");
  const stateDir = (yaml: string, env = {}) =>
    loadConfig("etc/config.yaml", { cwd, env, readFile: () => new TextEncoder().encode(yaml) })
      .agent.stateDir;
  /** As an agent leaves it. */
  const use = async (folder: string) => {
    await mkdir(join(cwd, folder), { recursive: true });
    await writeFile(join(cwd, folder, "outbox.db"), "");
  };
  const none = "loglevel: ERROR";
  const named = "agent: {state_dir: ../mine}";
  const env = { STATE_DIRECTORY: `${cwd}/given:${cwd}/other` };
  try {
    assertEquals(stateDir(none), join(cwd, "etc/state"));
    assertEquals(stateDir(none, env), join(cwd, "given"));
    assertEquals(stateDir(named, env), join(cwd, "mine"));
    assertEquals(stateDir("agent: {state_dir: /var/x}"), "/var/x");

    await use("state");
    for (const given of [{}, env]) assertEquals(stateDir(none, given), join(cwd, "state"));
    await use("etc/state");
    assertEquals(stateDir(none), join(cwd, "etc/state"));
    await use("../mine");
    assertEquals(stateDir(named), join(folder, "mine"));
  } finally {
    await rm(folder, { recursive: true });
  }
});

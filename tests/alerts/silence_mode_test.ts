import { assertEquals, assertMatch } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownDatabase } from "../db/fixture.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";

Deno.test("httpmon silence makes, lists and ends silences", async () => {
  await using database = await ownDatabase();
  const folder = await mkdtemp(join(tmpdir(), "httpmon-silence-"));
  try {
    const config = join(folder, "config.yaml");
    await writeFile(config, JSON.stringify({ database: { dsn: database.dsn } }));
    const run = async (...args: string[]) => {
      const [program, ...rest] = taskCommand("silence");
      const { code, stdout, stderr } = await new Deno.Command(program!, {
        args: [...rest, ...args, "-c", config],
        env: { ...denoEnv(), USER: "on-call" },
      }).output();
      return [code, new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr)];
    };
    assertEquals(await run(), [0, "Nothing is silenced\n"]);
    assertEquals(await run("shop", "severity=warning", "--for", "2h", "--why", "a move"), [
      0,
      'Silence 1: nobody is told of what opens where site="shop" and severity="warning" for 2 h\n',
    ]);
    assertEquals((await run("all", "--for", "3d", "--why", "x"))[0], 0);
    const [, list] = await run();
    assertMatch(
      String(list),
      /^1 {2}site="shop" and .*\n2 {2}anything {2}for another 2 d 23 h {2}x/,
    );
    assertEquals(await run("--end", "2"), [0, "Silence 2 has ended\n"]);
    assertEquals(await run("--end", "2"), [2, "httpmon: Silence 2 is over, or there is none\n"]);
    assertEquals((await run("all", "--for", "2h"))[0], 2);
    assertEquals((await run("group=~(", "--for", "2h", "--why", "x"))[0], 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { result } from "../db/fixture.ts";
import { encode } from "../../wire/encode.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";

const SCRIPT = new URL("../../scripts/simulate.ts", import.meta.url).pathname;

async function simulate(...args: string[]) {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", SCRIPT, ...args] });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("simulate shows what happened, what it would tell of, and that a replay is the same", async () => {
  const { code, stdout } = await simulate("alerts", "--seed", "1");
  assertEquals(code, 0);
  for (
    const line of [
      "  agent-1 is blind from minute 19 to 23",
      "opened    agent_network of agent-1 (warning): it sees 6 of its 6 sites down",
      "opened    down of site 5 (critical): status: status 503",
      "Read side by side, with alerters that take over: the same",
    ]
  ) assertStringIncludes(stdout, line);
});

Deno.test("simulate plays what was recorded, by a config's rules", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const startMs = Date.UTC(2026, 4, 1);
    const lines = [..."uuuuddduuu"].map((letter, minute) =>
      encode(result(minute, {
        ts: formatTimestamp(BigInt(startMs + minute * 60_000) * 1_000n),
        verdict: letter === "u" ? "up" : "down",
      }))
    );
    await Deno.writeTextFile(`${folder}/messages`, lines.join("\n"));
    await Deno.writeTextFile(
      `${folder}/config.yaml`,
      "websites: { https://one.example/: { failure_threshold: 2 } }",
    );
    const play = ["alerts", "--play", `${folder}/messages`];
    assertStringIncludes((await simulate(...play)).stdout, "6:00  opened    down of site 1");
    const config = ["--config", `${folder}/config.yaml`];
    assertStringIncludes((await simulate(...play, ...config)).stdout, "5:00  opened    down of");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("simulate says how it is used", async () => {
  assertEquals((await simulate()).code, 2);
  const { code, stderr } = await simulate("alerts", "--sites", "none");
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'Expected a whole number from 1 up for --sites, found "none"');
});

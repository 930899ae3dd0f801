/** The agent as a process, with real signals. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { until, withFolder } from "../support.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

/** No broker is there: results stay in the outbox, and everything else goes on. */
const HEAD = `
kafka: {monitoring: {bootstrap_servers: "127.0.0.1:9"}}
agent: {state_dir: state, shutdown_timeout_ms: 500}
`;

interface Line {
  msg: string;
  [field: string]: unknown;
}

interface Running {
  /** Not by the child's own kill(), which in Deno does nothing from its second call on. */
  send(signal: string): void;
  /** What the agent has logged. */
  lines: Line[];
  /** Makes this its config. */
  write(text: string): Promise<void>;
  folder: string;
}

/** Runs `body` with an agent that checks a site where nobody listens. */
async function withAgent(args: string[], body: (it: Running) => Promise<void>) {
  await withFolder(async (folder) => {
    const write = (text: string) => writeFile(join(folder, "config.yaml"), HEAD + text);
    await write("websites: {http://127.0.0.1:1/: {}}");
    const agent = spawn(
      Deno.execPath(),
      ["run", "-A", MAIN, "agent", "-c", "config.yaml", ...args],
      { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    const ended = once(agent, "exit");
    const send = (signal: string) => void process.kill(agent.pid!, signal);
    let text = "";
    const lines: Line[] = [];
    agent.stderr!.on("data", (data: Uint8Array) => {
      text += new TextDecoder().decode(data);
      const whole = text.split("\n");
      text = whole.pop()!;
      for (const line of whole) if (line.startsWith("{")) lines.push(JSON.parse(line));
    });
    try {
      await until(() => lines.some(({ msg }) => msg === "The agent runs"), "the agent runs");
      await body({ send, lines, write, folder });
      send("SIGTERM");
      await until(() => agent.exitCode !== null || agent.signalCode !== null, "the agent ends");
      assertEquals([agent.exitCode, agent.signalCode], [0, null]);
    } finally {
      if (agent.exitCode === null && agent.signalCode === null) send("SIGKILL");
      await ended;
    }
  });
}

const has = (lines: readonly Line[], text: string) =>
  until(() => lines.some(({ msg }) => msg.startsWith(text)), `"${text}" is logged`);

Deno.test("httpmon agent takes over its config at SIGHUP, refuses a wrong one, and goes on", async () => {
  await withAgent([], async ({ send, lines, write }) => {
    await write("websites: {http://127.0.0.1:1/: {timeout: 0}}");
    send("SIGHUP");
    await has(lines, "The new config is wrong");
    const { problems } = lines.find(({ msg }) => msg.startsWith("The new config is wrong"))!;
    assertStringIncludes(JSON.stringify(problems), "timeout: expected a number over 0");

    await write("websites: {http://127.0.0.1:1/: {timeout: 1}, http://127.0.0.1:2/: {}}");
    send("SIGHUP");
    await has(lines, "The new config is taken over");
    const { sites, added, changed } = lines.find(({ added }) => added !== undefined)!;
    assertEquals({ sites, added, changed }, { sites: 2, added: 1, changed: 1 });

    assertEquals(lines.filter(({ level }) => level === "debug"), []);
    await write("loglevel: DEBUG\nwebsites: {http://127.0.0.1:1/: {}}");
    send("SIGHUP");
    await until(() => lines.some(({ level }) => level === "debug"), "DEBUG is logged");
  });
});

Deno.test("httpmon agent logs no secret of a config that it took over", async () => {
  await withAgent([], async ({ send, lines, write, folder }) => {
    await writeFile(join(folder, "words"), "taken over");
    await write("websites: {http://127.0.0.1:1/: {user_agent_file: words}}");
    send("SIGHUP");
    await has(lines, "The new config is ${words}");
  });
});

Deno.test("httpmon agent --watch takes over its config when the file changes", async () => {
  await withAgent(["--watch"], async ({ lines, write }) => {
    await write("websites: {http://127.0.0.1:1/: {}, http://127.0.0.1:2/: {}}");
    await has(lines, "The new config is taken over");
  });
});

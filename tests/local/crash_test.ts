import { assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { waitFor } from "../../local/wait.ts";

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

Deno.test("startStack() leaves nothing behind when SIGKILL ends its process", async () => {
  const script = fileURLToPath(new URL("./crash_child.ts", import.meta.url));
  const child = spawn(process.execPath, ["run", "-A", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = await once(child.stdout, "data");
  const { pids, ports, folder } = JSON.parse(String(line)) as {
    pids: number[];
    ports: number[];
    folder: string;
  };
  assertEquals(await Promise.all(ports.map(listens)), [true, true]);
  assertEquals(pids.map(isAlive), [true, true]);

  child.kill("SIGKILL");
  await exited;
  await waitFor(
    "servers and data to be gone",
    async () =>
      !pids.some(isAlive) && !existsSync(folder) &&
      !(await Promise.all(ports.map(listens))).includes(true),
    180_000,
  );
});

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** How a mode ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a mode as a person would, with the permissions of its task.
 *
 * @param head Its output is closed after that many bytes
 * @param to The file that its output goes to
 * @param input What it reads
 * @param config JSON that the config has beside the writer's dsn
 * @param meanwhile What is done to it meanwhile
 */
export async function httpmon(
  dsn: string,
  args: string[],
  { head = Infinity, to, input = "", config: rest = "{}", meanwhile }: {
    head?: number;
    to?: string;
    input?: string;
    config?: string;
    meanwhile?: (child: ChildProcess) => Promise<void>;
  } = {},
): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-modes-"));
  const config = join(folder, "config.yaml");
  const content = JSON.parse(rest);
  content.database = { ...content.database, writer: { dsn } };
  await writeFile(config, JSON.stringify(content));
  const output = to === undefined ? null : await open(to, "w");
  try {
    const permissions = ["--allow-net", "--allow-read", "--allow-env", "--allow-sys=hostname"];
    const child = spawn(
      process.execPath,
      ["run", ...permissions, MAIN, ...args, "-c", config],
      { stdio: ["pipe", output?.fd ?? "pipe", "pipe"] },
    );
    let [stdout, stderr] = ["", ""];
    child.stderr!.on("data", (data) => stderr += data);
    child.stdout?.on("data", (data) => {
      stdout += data;
      if (stdout.length >= head) child.stdout!.destroy();
    });
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    child.stdin!.end(input);
    await meanwhile?.(child);
    const code = await closed;
    return { code, stdout, stderr };
  } finally {
    await output?.close();
    await rm(folder, { recursive: true });
  }
}

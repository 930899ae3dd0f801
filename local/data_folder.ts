import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

/** A folder for a stack's data. */
export interface DataFolder {
  readonly path: string;
  /** Whether it stays. */
  readonly kept: boolean;
  /** Removes it, unless it is one to keep. Servers in it must have been stopped. */
  close(): Promise<void>;
}

/**
 * Removes the folder when its standard input ends: at close(), or when this process is gone, however
 * it went. The servers in it are ending just then, so it may take some tries.
 */
const REMOVER = `
read -r _
tries=0
while [ -e "$1" ] && [ $tries -lt 50 ]; do
  rm -rf "$1" || sleep 0.2
  tries=$((tries + 1))
done
`;

/**
 * A new folder under the system's temporary one, gone after close() or when this process has died;
 * or the given one, made if missing and kept.
 */
export async function dataFolder(keep?: string): Promise<DataFolder> {
  if (process.platform === "win32") {
    throw new Error("The local stack needs a Unix shell: on Windows, run it in WSL");
  }
  if (keep !== undefined) {
    const path = resolve(keep);
    await mkdir(path, { recursive: true });
    return { path, kept: true, close: () => Promise.resolve() };
  }
  const path = await mkdtemp(join(tmpdir(), "httpmon-"));
  // PostgreSQL's user passes through; what is secret in it has modes of its own.
  await chmod(path, 0o711);
  const remover = spawn("/bin/sh", ["-c", REMOVER, "remover", path], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  return {
    path,
    kept: false,
    async close() {
      if (remover.exitCode !== null) return;
      remover.stdin.end();
      await once(remover, "exit");
    },
  };
}

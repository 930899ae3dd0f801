import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, statfs } from "node:fs/promises";
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

/** Linux keeps it in memory. */
const MEMORY = "/dev/shm";
/** What servers under test come to, with room to spare. */
const MEMORY_BYTES = 6e9;

/**
 * Where servers whose data nobody keeps are quickest: in memory, if there is enough. To copy and drop a
 * database there took 20 ms of CPU time, on a disk (ext4) up to 370.
 */
export async function quickestFolder(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > MEMORY_BYTES ? MEMORY : tmpdir();
}

/**
 * A new folder under `parent`, gone after close() or when this process has died; or the one to keep,
 * made if missing.
 */
export async function dataFolder(keep?: string, parent = tmpdir()): Promise<DataFolder> {
  if (process.platform === "win32") {
    throw new Error("The local stack needs a Unix shell: on Windows, run it in WSL");
  }
  if (keep !== undefined) {
    const path = resolve(keep);
    await mkdir(path, { recursive: true });
    return { path, kept: true, close: () => Promise.resolve() };
  }
  const path = await mkdtemp(join(parent, "httpmon-"));
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

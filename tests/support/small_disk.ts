/** A disk that is soon full. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A small disk in memory, mounted at `folder`. @returns What unmounts it */
export async function mountSmall(folder: string, megabytes: number): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0711`, "tmpfs", folder]);
  return async () => void await run("umount", ["-l", folder]);
}

/** Only root may mount, and not in every container. */
export async function cannotMount(): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-test-mount-"));
  try {
    await (await mountSmall(folder, 1))();
    return null;
  } catch {
    return "a small disk (tmpfs) cannot be mounted here: that needs root";
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Fills what is left, down to the last kilobytes. @returns The file that does */
export async function fill(folder: string): Promise<string> {
  const ballast = join(folder, "ballast");
  for (const size of [1 << 20, 1 << 14, 1 << 12]) {
    try {
      while (true) await writeFile(ballast, new Uint8Array(size), { flag: "a" });
    } catch {
      // Full, to this size.
    }
  }
  return ballast;
}

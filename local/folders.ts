import { randomUUID } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";

/** Where downloaded servers may be kept, the preferred place first. */
export function cacheFolders(): string[] {
  const home = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return [join(home, "httpmon"), "/var/cache/httpmon", join(tmpdir(), "httpmon-cache")];
}

/** Whether every user may pass through all the folders that exist on the way to `path`. */
export function openToAll(path: string): boolean {
  for (let at = resolve(path);; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * Makes `folder` by `fill` unless it is there. `fill` works on a folder beside it that takes the name
 * when it is complete, so one that is there is whole, also when several processes race for it.
 */
export async function makeOnce(
  folder: string,
  fill: (partial: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) return;
  const partial = `${folder}.partial-${randomUUID()}`;
  await mkdir(partial, { recursive: true });
  try {
    await fill(partial);
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another process was first; its folder is as good as ours.
    if (!existsSync(folder)) throw error;
  }
}

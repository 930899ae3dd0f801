import * as esbuild from "esbuild";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { migrationFiles } from "../../db/schema/migrations/index.ts";
import { THREAD_FILES } from "../../runtime/thread/sources.ts";
import { OLDEST_NODE } from "./node_versions.ts";
import { ROOT } from "./project.ts";

/**
 * What stands before every bundle. A bundle that is CommonJS has no import.meta.url. And Node 22 and
 * 24 call node:sqlite experimental, on standard error, at every start: of no use to who runs httpmon,
 * and a healthy run says nothing there. Other warnings stay.
 */
const BANNER = `"use strict";
{
  const emitWarning = process.emitWarning;
  process.emitWarning = function (warning, ...rest) {
    if (rest[0] === "ExperimentalWarning" && String(warning).startsWith("SQLite ")) return;
    return emitWarning.call(this, warning, ...rest);
  };
}`;
/**
 * Names are looked up in Node's pool of threads, of which slow look-ups may take half: of the usual
 * four, two names whose servers are away would hold up all others. 256 cost 3 MB. It has to be said
 * before the pool is used; who says it in the environment knows better. Deno has 512 by itself.
 */
export const LOOKUP_THREADS = `process.env.UV_THREADPOOL_SIZE ??= "256";`;
/**
 * An older Node fails at the outbox only, in words that help nobody; so does 23 before 23.4, which
 * has node:sqlite behind a flag.
 */
export const NODE_CHECK = `{
  const older = (a, b) => {
    const [major, minor] = a.split(".").map(Number), [least, then] = b.split(".").map(Number);
    return major < least || (major === least && minor < then) || (major === 23 && minor < 4);
  };
  if (older(process.versions.node, "${OLDEST_NODE}")) {
    console.error(
      "httpmon: needs Node ${OLDEST_NODE} or newer, found " + process.versions.node
    );
    process.exit(2);
  }
}`;
const MODULE_URL = `const module_url = require("node:url").pathToFileURL(__filename).href;`;

/**
 * The whole program as one CommonJS text for Node (a single executable takes no other kind), with
 * nothing beside it: the worker threads' code and the migrations are in it as text.
 *
 * @throws {Error} Where it cannot be bundled
 */
export function bundleForNode(): Promise<string> {
  return bundleWhole("main.ts", [BANNER, NODE_CHECK, LOOKUP_THREADS, MODULE_URL], {
    "db/schema/migrations/index.ts": async () =>
      `const files = ${JSON.stringify(await migrationFiles())};
       export const migrationFiles = () => Promise.resolve(files);`,
  });
}

/**
 * What `entry` exports as one CommonJS text, likewise. It leaves the process of whoever embeds it as it
 * is.
 */
export function bundleLibrary(entry: string): Promise<string> {
  return bundleWhole(entry, ['"use strict";', MODULE_URL], {});
}

async function bundleWhole(
  entry: string,
  banner: readonly string[],
  more: Readonly<Record<string, () => Promise<string>>>,
): Promise<string> {
  try {
    const workers: Record<string, string> = {};
    for (const [name, file] of Object.entries(THREAD_FILES)) {
      workers[name] = await bundle(fileURLToPath(file), { banner: BANNER });
    }
    const replaced: Record<string, string> = {
      "runtime/thread/sources.ts": `const sources = ${JSON.stringify(workers)};
        export const threadSource = (name) => sources[name];`,
    };
    for (const [name, text] of Object.entries(more)) replaced[name] = await text();
    return await bundle(resolve(ROOT, entry), {
      banner: banner.join("\n"),
      define: { "import.meta.url": "module_url", "import.meta.main": "true" },
      replaced,
    });
  } finally {
    await esbuild.stop();
  }
}

interface BundleOptions {
  banner: string;
  define?: Record<string, string>;
  /** Modules that read files beside them, and the JavaScript that takes their place. */
  replaced?: Record<string, string>;
}

async function bundle(
  entry: string,
  { banner, define = {}, replaced = {} }: BundleOptions,
): Promise<string> {
  const left = new Set(Object.keys(replaced));
  const { outputFiles: [output] } = await esbuild.build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    tsconfig: resolve(ROOT, "tsconfig.json"),
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: `node${OLDEST_NODE}`,
    charset: "utf8",
    banner: { js: banner },
    define,
    // pg asks for these only where they are there: a binding in C, and another platform's sockets.
    external: ["pg-native", "pg-cloudflare"],
    plugins: [{
      name: "replaced modules",
      setup(build) {
        build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
          const name = relative(ROOT, path);
          if (!Object.hasOwn(replaced, name)) return null;
          left.delete(name);
          return { contents: replaced[name], loader: "js" };
        });
      },
    }],
  });
  if (left.size > 0) throw new Error(`No module of the bundle is "${[...left].join('", "')}"`);
  return output!.text;
}

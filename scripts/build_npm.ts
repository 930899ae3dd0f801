/**
 * `deno task build:npm`: the package that is published to npm, in dist/npm: the program, and what of
 * it others embed, each in one file that needs nothing beside it, with types.
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleForNode, bundleLibrary } from "./build/bundle.ts";
import { OLDEST_NODE } from "./build/node_versions.ts";
import { LICENSE, ROOT, VERSION } from "./build/project.ts";
import { SCHEMA_FILE } from "./config_schema.ts";
import { interfaceOf } from "./npm/config_types.ts";

const BESIDE = ["README.md", "LICENSE", "CHANGELOG.md"];
const CONFIG = ["config.sample.yaml", "config.schema.json"];

/** Writes the package into `folder`, which is made anew. */
export async function writeNpmPackage(folder: string): Promise<void> {
  const manifest = {
    name: "httpmon",
    version: VERSION,
    description: "Watches web sites, and keeps a record that can be trusted",
    license: LICENSE,
    type: "commonjs",
    bin: { httpmon: "httpmon.cjs" },
    main: "index.cjs",
    types: "index.d.ts",
    exports: {
      ".": { types: "./index.d.ts", default: "./index.cjs" },
      "./config.schema.json": "./config.schema.json",
      "./package.json": "./package.json",
    },
    engines: { node: `>=${OLDEST_NODE}` },
  };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const write = (name: string, text: string, mode = 0o644) =>
    writeFile(join(folder, name), text, { mode });
  await write("package.json", JSON.stringify(manifest, null, 2) + "\n");
  await write("httpmon.cjs", `#!/usr/bin/env node\n${await bundleForNode()}`, 0o755);
  await write("index.cjs", await bundleLibrary("scripts/npm/index.ts"));
  await write("index.d.ts", await declarations());
  for (const name of BESIDE) await cp(join(ROOT, name), join(folder, name));
  for (const name of CONFIG) await cp(join(ROOT, "config", name), join(folder, name));
}

/** The message's types as its own file has them, the config's by its schema, and two functions. */
async function declarations(): Promise<string> {
  const message = await readFile(join(ROOT, "wire/message.ts"), "utf8");
  const schema = JSON.parse(await readFile(SCHEMA_FILE, "utf8"));
  return `${message.replaceAll(/^\/\*\* .* \*\/\nexport const [^;]*;\n/gm, "")}
/** A text in which \`\${NAME}\` stands for a variable of the environment. */
export type FromEnvironment = \`\${string}\\\${\${string}}\${string}\`;

/** A config as it is written; config.sample.yaml comments every key. */
${interfaceOf("ConfigFile", schema)}
/** What a site may say under \`websites\`. */
export type SiteSettings = NonNullable<ConfigFile["defaults"]>;

/** A message, or why there is none; \`detail\` is for a person. */
export type Decoded =
  | { ok: true; message: ResultMessage }
  | { ok: false; reason: string; detail: string };

/**
 * Reads one value of the topic: ours, or the older program's seven fields. Ignores fields that it does
 * not know, and never throws.
 */
export declare function decodeResult(value: Uint8Array | null): Decoded;

/**
 * Checks a URL once: no Kafka, no schedule, nothing kept. Rejects where the settings are wrong, with
 * all that is wrong, or where \`signal\` was aborted; never for what a site does.
 */
export declare function runCheck(
  url: string,
  settings?: SiteSettings,
  signal?: AbortSignal,
): Promise<ResultMessage>;
`;
}

if (import.meta.main) {
  await writeNpmPackage(join(ROOT, "dist", "npm"));
  console.log(
    "dist/npm is made; npm pack ./dist/npm makes a tarball of it, npm publish publishes it",
  );
}

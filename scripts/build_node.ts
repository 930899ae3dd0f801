/**
 * `deno task build:node`: checks the product's types for Node alone, and bundles it into build/node:
 * httpmon.cjs, which needs nothing beside it, and a package.json that says which Node it is for.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleForNode } from "./build/bundle.ts";
import { OLDEST_NODE } from "./build/node_versions.ts";
import { LICENSE, ROOT, VERSION } from "./build/project.ts";
import { typeErrorsForNode } from "./build/type_check.ts";

/** Writes the bundle and its package.json into `folder`. */
export async function writeNodeBuild(folder: string): Promise<void> {
  const code = await bundleForNode();
  const manifest = {
    name: "httpmon",
    version: VERSION,
    license: LICENSE,
    private: true,
    type: "commonjs",
    bin: { httpmon: "httpmon.cjs" },
    engines: { node: `>=${OLDEST_NODE}` },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "httpmon.cjs"), `#!/usr/bin/env node\n${code}`, { mode: 0o755 });
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
}

if (import.meta.main) {
  const errors = typeErrorsForNode();
  if (errors !== "") {
    console.error(`${errors}The types do not hold on Node alone`);
    Deno.exit(1);
  }
  await writeNodeBuild(join(ROOT, "build", "node"));
  console.log(`build/node/httpmon.cjs is made, for Node ${OLDEST_NODE} or newer`);
}

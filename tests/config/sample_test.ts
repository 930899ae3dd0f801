import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { loadConfig } from "../../config/load.ts";
import { configSchema } from "../../config/schema.ts";
import { childOf, keysOf } from "../../config/say/schema_tree.ts";
import { MODES } from "../../runtime/cli/modes.ts";

const CONFIG = fileURLToPath(new URL("../../config/", import.meta.url));
const text = readFileSync(`${CONFIG}config.sample.yaml`, "utf8");

function load(mode?: keyof typeof MODES) {
  return loadConfig("config.sample.yaml", { mode, cwd: CONFIG, env: {} });
}

Deno.test("config.sample.yaml loads for every mode", () => {
  for (const mode of Object.keys(MODES) as (keyof typeof MODES)[]) {
    assertEquals(load(mode).sites.length, 3);
  }
});

Deno.test("config.sample.yaml states the defaults", () => {
  const defaults = loadConfig("empty.yaml", {
    cwd: CONFIG,
    env: {},
    readFile: () => new TextEncoder().encode("websites: {https://example.com/: {}}"),
  });
  const sample = load();
  assertEquals({ ...sample, sites: [], database: null }, { ...defaults, sites: [] });
  const [{ url: _, requestUrl: __, ...site }] = defaults.sites as [typeof defaults.sites[0]];
  const { url, requestUrl: ___, ...shown } = sample.sites[1]!;
  assertEquals({ ...shown, rules: { ...shown.rules, regex: null } }, site);
  assertEquals([url, shown.rules.regex], ["https://example.org/", ["Example\\s+Domain"]]);
});

Deno.test("config.sample.yaml has every key of the schema, in a comment at least", () => {
  const shown = new Set(
    [...text.matchAll(/(?:^|[#{,]) *(?:- \{ )?([a-z_0-9]+)(?=:(?: |$))/gm)].map(([, key]) => key),
  );
  assert(shown.has("state_dir") && shown.has("ssl_cafile"));
  const missing = [...keysBelow(configSchema)].filter((key) => !shown.has(key));
  assertEquals(missing, []);
});

function* keysBelow(schema: z.core.$ZodType): Generator<string> {
  const keys = keysOf(schema);
  const settingsOfAnyKey = keys === null ? childOf(schema, "any site") : null;
  if (settingsOfAnyKey) yield* keysBelow(settingsOfAnyKey);
  for (const key of keys ?? []) {
    yield key;
    yield* keysBelow(childOf(schema, key)!);
  }
}

/**
 * What the first release reads and writes is read for good: its configs, and its messages, of which a
 * topic may hold years. The fixtures are never edited.
 */
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../config/load.ts";
import { type Mode, MODES } from "../../runtime/cli/modes.ts";
import { decode } from "../../wire/decode.ts";
import { encode } from "../../wire/encode.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/first_release/", import.meta.url));

Deno.test("the first release's messages are read, field by field", () => {
  const lines = readFileSync(`${FOLDER}messages.jsonl`, "utf8").trim().split("\n");
  assertEquals(lines.length, 3);
  for (const line of lines) {
    const decoded = decode(new TextEncoder().encode(line));
    assert(decoded.ok, JSON.stringify(decoded));
    const { ts, ...fields } = JSON.parse(line);
    const { ts: readTs, ...read } = decoded.message;
    assertEquals(read as unknown, fields);
    assert(readTs.startsWith(ts));
    // And written alike: a reader of that release reads ours.
    assertEquals({ ...JSON.parse(encode(decoded.message)), ts }, { ts, ...fields });
  }
});

for (const file of ["config.yaml", "config.sample.yaml"]) {
  Deno.test(`the first release's ${file} loads in every mode`, () => {
    for (const mode of Object.keys(MODES) as Mode[]) {
      const { sites } = loadConfig(file, { mode, cwd: FOLDER, env: {} });
      assertEquals(sites.length, file === "config.yaml" ? 4 : 3, mode);
    }
  });
}

import { assert, assertEquals, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../config/load.ts";
import { ConfigError } from "../../config/say/findings.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/config/bad/", import.meta.url));
const ENV = { TEST_SECRET: "s3cret", TEST_CODES: "200,s3cret" };

const files = readdirSync(FOLDER);
const names = files.filter((file) => file.endsWith(".yaml")).map((file) => basename(file, ".yaml"));

Deno.test("bad config fixtures are pairs of .yaml and .txt", () => {
  assert(names.length > 0, "The folder has no fixture");
  assertEquals(
    files.toSorted(),
    names.flatMap((name) => [`${name}.txt`, `${name}.yaml`]).toSorted(),
  );
});

for (const name of names) {
  Deno.test(`loadConfig() refuses ${name}.yaml with exactly the message of its .txt`, () => {
    const error = assertThrows(
      () => loadConfig(`${name}.yaml`, { cwd: FOLDER, env: ENV }),
      ConfigError,
    );
    assertEquals(`${error.message}\n`, readFileSync(join(FOLDER, `${name}.txt`), "utf8"));
    assert(!/hunter2|s3cret/.test(error.message), "A secret is in the message");
    assert(!/hunter2|s3cret/.test(JSON.stringify(error.problems.map(({ text }) => text))));
  });
}

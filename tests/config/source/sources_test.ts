import { assertEquals } from "@std/assert";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadConfig } from "../../../config/load.ts";
import { expandPatterns } from "../../../config/source/sources.ts";
import { withFolder } from "../../agent/support.ts";

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

Deno.test("loadConfig() takes sites and templates from the files that it includes", async () => {
  await withFolder(async (cwd) => {
    await write(cwd, {
      "config.yaml": `
        include: [sites.d/*.yaml, "${"${MORE}"}"]
        websites: {https://a.example/: {use: fast}}`,
      "sites.d/b.yaml": "websites: {https://b.example/: {method: POST, body_file: body.txt}}",
      "sites.d/a.yaml": "templates: {fast: {timeout: 1}}",
      "sites.d/c.yml": "websites: {https://not.example/: {}}",
      "more.yaml": "websites: {https://c.example/: {use: fast}}",
      "body.txt": "from the config's folder",
    });
    const { sites, includePatterns } = loadConfig("config.yaml", {
      cwd,
      env: { MORE: "more.yaml" },
      mode: "agent",
    });
    assertEquals(sites.map(({ url, timeoutMs }) => [url, timeoutMs]), [
      ["https://a.example/", 1_000],
      ["https://b.example/", 120_000],
      ["https://c.example/", 1_000],
    ]);
    assertEquals(sites[1]!.request.body, new TextEncoder().encode("from the config's folder"));
    assertEquals(includePatterns, [join(cwd, "sites.d/*.yaml"), join(cwd, "more.yaml")]);
  });
});

Deno.test("loadConfig() reads no included file for a mode that checks no site", async () => {
  await withFolder(async (cwd) => {
    await write(cwd, {
      "config.yaml": `
        include: [absent.yaml]
        templates: {here: {headers: {A: "${"${ABSENT}"}"}}}
        websites: {https://a.example/: {use: [here, elsewhere]}}
        database: {dsn: dbname=b}`,
    });
    const { sites } = loadConfig("config.yaml", { cwd, env: {}, mode: "dbdump" });
    assertEquals(sites.map(({ url }) => url), ["https://a.example/"]);
  });
});

Deno.test("expandPatterns() finds files by wildcards in any part, sorted, and each once", async () => {
  await withFolder(async (folder) => {
    await write(folder, { "b/x.yaml": "", "a/x.yaml": "", "a/.x.yaml": "", "a/y.yaml/z": "" });
    const find = (...patterns: string[]) =>
      expandPatterns(patterns.map((pattern) => join(folder, pattern)))
        .map((file) => file.slice(folder.length + 1));
    assertEquals(find("*/*.yaml", "a/x.yaml"), ["a/x.yaml", "b/x.yaml"]);
    assertEquals(find("?/.*.yaml"), ["a/.x.yaml"]);
    assertEquals(find("c/*.yaml"), []);
    assertEquals(find("c/x.yaml"), ["c/x.yaml"]);
  });
});

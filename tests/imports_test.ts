/** Who may import whom: the rule of ARCHITECTURE.md, held against the code. */
import { assert, assertEquals } from "@std/assert";

/** What each folder may import of ours, beside itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  wire: [],
  runtime: ["config"],
  // It puts together what each folder says of its own keys.
  config: [
    "runtime",
    "agent/auth",
    "agent/config.ts",
    "agent/rules",
    "alerts/channels",
    "alerts/config",
    "db/config.ts",
    "kafka/config.ts",
    "web/config",
    "writer/config.ts",
  ],
  importers: ["config", "runtime"],
  kafka: ["config", "runtime"],
  db: ["config", "runtime", "wire"],
  agent: ["config", "kafka", "runtime", "wire"],
  // What a rule or a kind of credentials is: the config is put together from them.
  "agent/auth": ["agent/http", "config", "runtime"],
  "agent/rules": ["agent/http", "agent/inspect", "config", "wire"],
  consume: ["config", "db", "kafka", "runtime"],
  // What a kind of channels is, likewise.
  "alerts/channels": ["alerts/message", "config", "runtime"],
  "alerts/config": ["alerts/channels", "config"],
  "alerts/message": ["runtime"],
  alerts: ["config", "consume", "db", "kafka", "runtime", "wire"],
  web: ["config", "db", "runtime"],
  "web/config": ["config"],
  writer: ["config", "consume", "db", "kafka", "runtime", "wire"],
};

/** The folders whose code runs in production; program.ts may import them all. */
const PRODUCT = Object.keys(MAY_IMPORT);

interface Import {
  file: string;
  target: string;
}

async function* filesUnder(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(`../${folder}`, import.meta.url))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesUnder(path);
    else if (/\.tsx?$/.test(path)) yield path;
  }
}

/** @param what "values": without those of types alone, which are gone when it runs */
async function importsOf(file: string, what: "all" | "values" = "all"): Promise<Import[]> {
  const source = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
  const text = what === "all" ? source : source.replace(/^(?:im|ex)port type [^;]*;$/gm, "");
  const specifiers = text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g);
  return [...specifiers].map(([, specifier]) => ({
    file,
    target: new URL(specifier!, `file:///${file}`).pathname.slice(1),
  }));
}

for (const folder of PRODUCT) {
  Deno.test(`${folder}/ imports only what it may`, async () => {
    const allowed = new Set([folder, ...MAY_IMPORT[folder]!]);
    const wrong: string[] = [];
    let files = 0;
    for await (const file of filesUnder(folder)) {
      files++;
      for (const { target } of await importsOf(file)) {
        // deno.json says the version, for runtime/cli/version.ts.
        const isAllowed = [...allowed].some((one) => `${target}/`.startsWith(`${one}/`));
        if (target !== "deno.json" && !isAllowed) wrong.push(`${file} imports ${target}`);
      }
    }
    assert(files > 0, `no files under ${folder}/`);
    assertEquals(wrong, []);
  });
}

Deno.test("no file of config/ and of all that it is put together from imports itself", async () => {
  const imports = new Map<string, string[]>();
  const add = async (file: string): Promise<void> => {
    if (imports.has(file) || file === "deno.json") return;
    imports.set(file, (await importsOf(file, "values")).map(({ target }) => target));
    for (const target of imports.get(file)!) await add(target);
  };
  for await (const file of filesUnder("config")) await add(file);
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (imports.get(from) ?? []).some((target) => {
      if (target === to) return true;
      if (seen.has(target)) return false;
      return reaches(target, to, seen.add(target));
    });
  assertEquals([...imports.keys()].filter((file) => reaches(file, file)), []);
});

Deno.test("the product names no Deno API outside a feature test", async () => {
  const wrong: string[] = [];
  for (const folder of PRODUCT) {
    for await (const file of filesUnder(folder)) {
      const text = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
      if (
        /(?<!globalThis[^\n]*|["'`\w.])Deno\.\w/.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""))
      ) {
        wrong.push(file);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("only main.ts exits", async () => {
  const wrong: string[] = [];
  const files = await Promise.all(PRODUCT.map((folder) => Array.fromAsync(filesUnder(folder))));
  for (const file of ["program.ts", ...files.flat()]) {
    const text = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
    if (/process\.exit\b|process\.exitCode/.test(text)) wrong.push(file);
  }
  assertEquals(wrong, []);
});

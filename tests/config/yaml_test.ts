import { assertEquals } from "@std/assert";
import { parseYaml } from "../../config/yaml.ts";

Deno.test("parseYaml() gives the one document", () => {
  assertEquals(parseYaml("a: [1, true, x]\nb:\n"), {
    ok: true,
    value: { a: [1, true, "x"], b: null },
  });
  assertEquals(parseYaml("# nothing\n"), { ok: true, value: null });
});

Deno.test("parseYaml() never quotes the text", () => {
  const texts = [
    "dsn: *hunter2\n",
    "dsn: !hunter2 x\n",
    "dsn: [hunter2\n",
    "a: b\n  hunter2: c\n",
    "dsn: 'hunter2\n",
    'dsn: "\\hunter2"\n',
    "hunter2: 1\nhunter2: 2\n",
    "a: hunter2\n---\nb: hunter2\n",
    "%hunter2\n",
    "%TAG hunter2\n",
    "a: hunter2\u0000\n",
  ];
  for (const text of texts) {
    const result = parseYaml(text);
    assertEquals(result.ok, false, text);
    assertEquals(/hunter2/.test(JSON.stringify(result)), false, text);
  }
});

Deno.test("parseYaml() survives a document that is nested too deeply", () => {
  const result = parseYaml("[".repeat(100_000));
  assertEquals(result.ok, false);
});

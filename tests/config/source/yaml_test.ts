import { assertEquals } from "@std/assert";
import { parseYaml } from "../../../config/source/yaml.ts";

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
    "password:\nhunter2\nb: 1\n",
    "headers:\n  X-Api-Key:\n  hunter2\n  b: 1\n",
    "a: [hunter2, ${X}]\n",
    "a: [${X} hunter2]\n",
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

for (
  const [text, problem] of [
    ["a: 1\nb: 1\na: 2\n", 'is not YAML at line 3: the key "a" is there twice'],
    ["x:\n  'a b': 1\n  'a b': 2\n", 'is not YAML at line 3: the key "a b" is there twice'],
    [
      "websites:\n  https://me:pw@a.example/: {}\n  https://me:pw@a.example/: {}\n",
      'is not YAML at line 3: the key "https://(hidden)@a.example/" is there twice',
    ],
    ["a: 1\nstray\nb: 2\n", 'is not YAML at line 2: read "stray", expected "key: value"'],
    ["stray\na: 1\n", 'is not YAML at line 1: read "stray", expected "key: value"'],
    [
      "websites:\n  https://a/: {}\n  timeout 5\nkafka: {}\n",
      'is not YAML at line 3: read "timeout 5", expected "key: value"',
    ],
    ["token:\nstray\nb: 2\n", 'is not YAML at line 2: expected "key: value"'],
    [
      "auth: {bearer: ${TOKEN}}\n",
      'is not YAML at line 1: read ${TOKEN} within "[" or "{", write "${TOKEN}" in quotes',
    ],
    ["a: b: c\n", "is not YAML at line 1: its indentation does not fit the lines above"],
  ] as const
) {
  Deno.test(`parseYaml() says where it went wrong in ${JSON.stringify(text)}`, () => {
    assertEquals(parseYaml(text) as unknown, { ok: false, problem });
  });
}

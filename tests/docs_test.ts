/** The pages for people name only what is there. */
import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import manifest from "../deno.json" with { type: "json" };
import { ROOT } from "../scripts/build/project.ts";

const PAGES = [
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"],
  ...["systemd", "kubernetes"].map((name) => `deploy/${name}/README.md`),
  ...[...Deno.readDirSync(`${ROOT}docs`)].filter(({ name }) => name.endsWith(".md"))
    .map(({ name }) => `docs/${name}`),
];

for (const page of PAGES) {
  const text = Deno.readTextFileSync(ROOT + page);

  Deno.test(`${page} links to files that are there`, () => {
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!)
      .filter((link) => !/^[a-z]+:/.test(link));
    const missing = links.filter((link) => !existsSync(join(ROOT, dirname(page), link)));
    assertEquals(missing, []);
  });

  Deno.test(`${page} names files, folders and tasks that are there`, () => {
    const paths = [
      ...text.matchAll(
        /`((?:agent|config|db|kafka|local|runtime|scripts|tests|wire|writer|docs|compat|deploy)\/[\w./-]*)`/g,
      ),
    ]
      .map(([, path]) => path!);
    assertEquals(paths.filter((path) => !existsSync(ROOT + path)), []);
    const tasks = [...text.matchAll(/deno task ([\w:-]+)/g)].map(([, task]) => task!);
    assertEquals(tasks.filter((task) => !Object.hasOwn(manifest.tasks, task)), []);
  });
}

Deno.test("docs/compare.md claims nothing without a test", () => {
  const text = Deno.readTextFileSync(`${ROOT}docs/compare.md`);
  const claims = [...text.matchAll(/^\|[^|]+\| yes([^|]*)\|/gm)].map(([, shown]) => shown!);
  assert(claims.length > 20);
  assertEquals(claims.filter((shown) => !/`tests\/|\]\(soak\.md\)/.test(shown)), []);
});

Deno.test("CONTRIBUTING.md shows a rule and kinds of credentials and channels that compile", async () => {
  const text = Deno.readTextFileSync(`${ROOT}CONTRIBUTING.md`);
  const examples = [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code!);
  assertEquals(examples.length, 3);
  const from = (names: string, path: string) =>
    `import { ${names} } from ${JSON.stringify(new URL(`../${path}`, import.meta.url).href)};\n`;
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "examples.ts");
    await Deno.writeTextFile(
      file,
      from("text, whole", "config/fields.ts") +
        from("rule", "agent/rules/rule.ts") + from("authKind", "agent/auth/kind.ts") +
        from("channelKind", "alerts/channels/kind.ts") +
        from("post", "alerts/channels/post.ts") + from("wordsOf", "alerts/message/words.ts") +
        examples.join(""),
    );
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", `${ROOT}deno.json`, file],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

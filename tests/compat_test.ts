import { assertEquals, assertThrows } from "@std/assert";
import { parse } from "@std/yaml";
import { parseArgs } from "@std/cli/parse-args";

Deno.test("parse() refuses a key given twice", () => {
  assertThrows(() => parse("a: 1\na: 2\n"), SyntaxError, "duplicated mapping key");
});

Deno.test("parse() reads an empty document as null", () => {
  assertEquals(parse(""), null);
});

Deno.test("parse() reads scalars, timestamps and merge keys", () => {
  assertEquals(parse("a: &a {x: 1}\nb: {<<: *a, y: 2}"), { a: { x: 1 }, b: { x: 1, y: 2 } });
  assertEquals(parse("{d: 2026-01-02, n: 1.5, t: true, z: null, s: '1'}"), {
    d: new Date("2026-01-02"),
    n: 1.5,
    t: true,
    z: null,
    s: "1",
  });
});

Deno.test("parseArgs() takes aliases, values and positional arguments", () => {
  const args = parseArgs(["writer", "-c", "x.yaml", "--limit=3", "-h"], {
    string: ["config", "limit"],
    boolean: ["help"],
    alias: { config: "c", help: "h" },
  });
  assertEquals(args._, ["writer"]);
  assertEquals(args.config, "x.yaml");
  assertEquals(args.limit, "3");
  assertEquals(args.help, true);
});

Deno.test("parseArgs() takes a value after a short option in every form", () => {
  for (const args of [["-c", "x"], ["-cx"], ["-c=x"], ["--config", "x"], ["--config=x"]]) {
    assertEquals(parseArgs(args, { string: ["config"], alias: { config: "c" } }).config, "x");
  }
});

Deno.test("parseArgs() hands what it does not know to unknown", () => {
  const seen: string[] = [];
  parseArgs(["--nope", "agent"], {
    boolean: ["help"],
    unknown: (arg) => {
      seen.push(arg);
      return true;
    },
  });
  assertEquals(seen, ["--nope", "agent"]);
});

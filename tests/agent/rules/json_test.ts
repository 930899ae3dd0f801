import { search } from "@jmespath-community/jmespath";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { jmespathProblem } from "../../../agent/rules/json.ts";

Deno.test("jmespathProblem() finds nothing wrong with what is JMESPath", () => {
  const good = ["a.b", "@", "a[?contains(b, 'x')] | [0]", "sort_by(a, &b)", "length(a) > `3`"];
  for (const expression of [...good, '`{"type": "Function", "name": "x"}`', "a[*].{b: min(c)}"]) {
    assertEquals(jmespathProblem(expression), null, expression);
  }
});

Deno.test("jmespathProblem() says what is wrong, also with a function deep inside", () => {
  const cases: [string, string][] = [
    ["a[", "expected Star, got: EOF"],
    ["", "EOF"],
    ["a b", "unexpected token"],
    ["nosuch(@)", 'there is no function "nosuch"'],
    ["sort_by(a, &nosuch(b))", 'there is no function "nosuch"'],
  ];
  for (const [expression, reason] of cases) {
    assertStringIncludes(jmespathProblem(expression) ?? "nothing", reason);
  }
});

Deno.test("JMESPath is of the dialect that the sample config names: JMESPath Community", () => {
  const cases: [string, unknown][] = [
    [String.raw`'a\\b'`, String.raw`a\b`],
    [String.raw`'a\b'`, String.raw`a\b`],
    [String.raw`'it\'s'`, "it's"],
    ["let $x = `1` in $x + `2`", 3],
    ["'abc'[0:2]", "ab"],
  ];
  for (const [expression, value] of cases) {
    assertEquals(jmespathProblem(expression), null, expression);
    assertEquals(search({}, expression) as unknown, value, expression);
  }
});

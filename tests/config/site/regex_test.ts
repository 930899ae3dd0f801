import { assert, assertEquals, assertThrows } from "@std/assert";
import { compileRegex, RegexError } from "../../../config/site/regex.ts";

function finds(regex: string, text: string): boolean {
  return compileRegex(regex).matcher(text).find();
}

Deno.test("compileRegex() matches ^ and $ at line ends", () => {
  assert(finds("^two$", "one\ntwo\nthree"));
  assert(!finds("\\Atwo", "one\ntwo"));
});

Deno.test("compileRegex() reads Python's \\Z as the very end", () => {
  assert(finds("foo\\Z", "a foo"));
  assert(!finds("foo\\Z", "foo\n"));
  assert(!finds("foo\\Z", "foo\nbar"));
  assert(finds("(foo|bar\\Z)", "a bar"));
});

Deno.test("compileRegex() leaves a Z alone that is no anchor", () => {
  assert(finds("a\\\\Z", "a\\Z"));
  assert(finds("\\Qa\\Z\\E", "a\\Z"));
  assert(finds("Z\\z", "Z"));
});

Deno.test("compileRegex() takes named groups of both spellings, classes and flags", () => {
  for (
    const regex of [
      "(?P<a>b)",
      "(?<a>b)",
      "[[:alpha:]]",
      "[]b]",
      "[^]a]",
      "(?i)B",
      "(?s-m:b)",
      "\\pL",
    ]
  ) {
    assert(finds(regex, "b"), regex);
  }
});

Deno.test("compileRegex() takes what only looks like syntax that RE2 lacks", () => {
  const cases: [string, string][] = [
    ["\\(?=", "(="],
    ["[(?=]", "="],
    ["\\Q(?=a)\\1++\\E", "(?=a)\\1++"],
    ["\\++", "+++"],
    ["[*+]+", "*+"],
    ["a+?", "a"],
    ["[{,3}]", ","],
    ["\\{,3}", "{,3}"],
  ];
  for (const [regex, text] of cases) assert(finds(regex, text), regex);
});

Deno.test("compileRegex() names what RE2 lacks", () => {
  const cases: [string, string][] = [
    ["a(?=b)", '"(?=" (look-ahead)'],
    ["[(]a(?!b)", '"(?!" (look-ahead)'],
    ["(?<=a)b", '"(?<=" (look-behind)'],
    ["(?<!a)b", '"(?<!" (look-behind)'],
    ["(a)\\1", '"\\1" (a back-reference)'],
    ["(?P<n>a)(?P=n)", '"(?P=n)" (a back-reference)'],
    ["(?<n>a)\\k<n>", '"\\k<n>" (a back-reference)'],
    ["(?>a)", '"(?>" (an atomic group)'],
    ["a*+", '"*+" (a possessive quantifier)'],
    ["a{2,}+", '"{2,}+" (a possessive quantifier)'],
    ["(a)?(?(1)b|c)", '"(?(" (a conditional group)'],
    ["(?#x)a", '"(?#" (a comment)'],
    ["(?ix)a", '"(?ix)" (an inline flag)'],
    ["a{1001}", '"{1001}" (a repeat count over 1000)'],
    ["a{5,1001}", '"{5,1001}" (a repeat count over 1000)'],
  ];
  for (const [regex, name] of cases) {
    const error = assertThrows(() => compileRegex(regex), RegexError);
    assertEquals(error.message, `of RE2 syntax, which lacks ${name}`);
  }
});

Deno.test("compileRegex() says what is wrong without quoting the regex", () => {
  for (const regex of ["(hunter2", "[hunter2", "hunter2)", "hunter2**", "*hunter2", "hunter2\\"]) {
    const error = assertThrows(() => compileRegex(regex), RegexError, "that RE2 can read (");
    assert(!error.message.includes("hunter2"), error.message);
  }
});

Deno.test("compileRegex() refuses {,n}, which Python reads otherwise", () => {
  assertThrows(() => compileRegex("a{,3}b"), RegexError, '"{0,n}" in place of "{,n}"');
});

Deno.test("compileRegex() takes linear time where others take exponential", () => {
  // Two to the power of 5,000 steps would never end.
  assert(!finds("(a+)+$", "a".repeat(5000) + "!"));
});

import { assertEquals } from "@std/assert";
import { quote, show } from "../../../config/say/show.ts";

Deno.test("show() names values of every kind", () => {
  const cases: [unknown, string][] = [
    [undefined, "nothing"],
    [null, "nothing"],
    [-5, "-5"],
    [NaN, "NaN"],
    [false, "false"],
    ["", '""'],
    [[], "an empty list"],
    [[1], "a list"],
    [{}, "a map"],
    [new Date(0), "a date (in quotes it is a text)"],
    [new Uint8Array(1), "binary data"],
  ];
  for (const [value, text] of cases) assertEquals(show(value), text);
});

Deno.test("quote() stays on one line and cannot steer a terminal", () => {
  assertEquals(quote('a"b\n\u001b[2J\u009b\u2028'), '"a\\"b\\n\\u001b[2J\\u009b\\u2028"');
});

Deno.test("quote() shows backslashes as written", () => {
  assertEquals(quote("\\d+\\Z"), '"\\d+\\Z"');
});

Deno.test("quote() cuts what is long, after hiding what is secret", () => {
  assertEquals(quote("x".repeat(81)), `"${"x".repeat(80)}..." (81 characters)`);
  assertEquals(quote("x".repeat(80)), `"${"x".repeat(80)}"`);
  assertEquals(quote(`postgres://u:${"p".repeat(100)}@h`), '"postgres://(hidden)@h"');
});

import { assert, assertEquals } from "@std/assert";
import { HTTP_TOKEN } from "../../../config/fields.ts";
import { isHeaderValue, mergeHeaders } from "../../../config/site/site_request.ts";

Deno.test("HTTP_TOKEN.test() takes the names that RFC 9110 does", () => {
  for (const name of ["Accept", "x-1", "!#$%&'*+-.^_`|~"]) assert(HTTP_TOKEN.test(name), name);
  for (const name of ["", "a b", "a:", "ü", "a\n", "(a)", "a/b", '"a"']) {
    assert(!HTTP_TOKEN.test(name), name);
  }
});

Deno.test("isHeaderValue() takes ASCII on one line, without spaces around it", () => {
  for (const value of ["", "a", "a b\tc", '"~!"']) assert(isHeaderValue(value), value);
  for (const value of [" a", "a ", "\ta", "a\r\nB: c", "a\0", "ü", "\x7f", 5, null, undefined]) {
    assert(!isHeaderValue(value), String(value));
  }
});

Deno.test("mergeHeaders() replaces by name, in any case of letters", () => {
  assertEquals(mergeHeaders([["A", "1"], ["B", "2"]], [["C", "3"], ["a", "4"]]), [
    ["B", "2"],
    ["C", "3"],
    ["a", "4"],
  ]);
  assertEquals(mergeHeaders([], []), []);
});

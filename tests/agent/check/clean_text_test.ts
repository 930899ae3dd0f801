import { assertEquals } from "@std/assert";
import { cleanLine, cleanText } from "../../../agent/check/clean_text.ts";

Deno.test("cleanText() keeps text and line ends, not what a terminal or PostgreSQL obeys", () => {
  assertEquals(cleanText("ä\t😀\r\nb"), "ä\t😀\r\nb");
  assertEquals(cleanText("a\0b\x1b[31m\x7f\x9b"), "a\uFFFDb\uFFFD[31m\uFFFD\uFFFD");
  assertEquals(cleanText("a\ud83d"), "a\uFFFD");
});

Deno.test("cleanLine() gives one line of at most so many characters", () => {
  assertEquals(cleanLine("a\r\n\tb", 10), "a b");
  assertEquals(cleanLine("abcdef", 6), "abcdef");
  assertEquals(cleanLine("abcdefg", 6), "abcde…");
  assertEquals(cleanLine("abcd😀g", 6), "abcd\uFFFD…");
});

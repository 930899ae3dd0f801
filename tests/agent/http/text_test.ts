import { assertEquals } from "@std/assert";
import { bodyText, cleanLine, cleanText } from "../../../agent/http/text.ts";

function text(bytes: number[], contentType?: string): string {
  const headers = contentType === undefined ? [] : [["content-type", contentType] as const];
  return bodyText({ headers, body: new Uint8Array(bytes) });
}

const CAFE_LATIN1 = [0x63, 0x61, 0x66, 0xe9];
const CAFE_UTF8 = [0x63, 0x61, 0x66, 0xc3, 0xa9];

Deno.test("bodyText() goes by the charset of Content-Type", () => {
  assertEquals(text(CAFE_LATIN1, "text/html; charset=ISO-8859-1"), "café");
  assertEquals(text(CAFE_LATIN1, 'text/html;charset="windows-1252"; x=y'), "café");
  assertEquals(text(CAFE_UTF8, "text/html; charset=utf-8"), "café");
});

Deno.test("bodyText() takes none or an unknown charset for UTF-8", () => {
  assertEquals(text(CAFE_UTF8), "café");
  assertEquals(text(CAFE_UTF8, "text/html"), "café");
  assertEquals(text(CAFE_UTF8, "text/html; charset=klingon"), "café");
  assertEquals(text(CAFE_UTF8, "text/html; charset="), "café");
});

Deno.test("bodyText() believes a byte order mark more than the header, and takes it out", () => {
  assertEquals(text([0xef, 0xbb, 0xbf, ...CAFE_UTF8], "text/html; charset=latin1"), "café");
  assertEquals(text([0xff, 0xfe, 0x61, 0, 0xe9, 0], "text/html; charset=utf-8"), "aé");
  assertEquals(text([0xfe, 0xff, 0, 0x61, 0, 0xe9]), "aé");
});

Deno.test("bodyText() turns invalid bytes into U+FFFD", () => {
  assertEquals(text([0x61, 0xff, 0x62]), "a\ufffdb");
  // Cut in the middle of a character.
  assertEquals(text(CAFE_UTF8.slice(0, 4)), "caf\ufffd");
});

Deno.test("bodyText() of nothing is empty", () => assertEquals(text([]), ""));

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

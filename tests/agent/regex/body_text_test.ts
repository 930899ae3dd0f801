import { assertEquals } from "@std/assert";
import { bodyText, charsetOf } from "../../../agent/regex/body_text.ts";

for (
  const [contentType, charset] of [
    [null, null],
    ["text/html", null],
    ["text/html; charset=utf-8", "utf-8"],
    ['text/html;charset="ISO-8859-1"', "ISO-8859-1"],
    ["text/html; Charset = windows-1252 ; x=y", "windows-1252"],
    ["text/html; charset=", null],
  ] as const
) {
  Deno.test(`charsetOf() reads ${JSON.stringify(contentType)}`, () => {
    assertEquals(charsetOf(contentType), charset);
  });
}

for (
  const { name, bytes, charset, text } of [
    { name: "UTF-8", bytes: [0xc3, 0xa4], charset: null, text: "ä" },
    { name: "its charset", bytes: [0xe4], charset: "iso-8859-1", text: "ä" },
    { name: "an unknown charset as UTF-8", bytes: [0xc3, 0xa4], charset: "x-none", text: "ä" },
    { name: "invalid bytes as U+FFFD", bytes: [0x61, 0xff], charset: null, text: "a\uFFFD" },
    { name: "no byte order mark", bytes: [0xef, 0xbb, 0xbf, 0x61], charset: null, text: "a" },
    { name: "nothing", bytes: [], charset: null, text: "" },
  ]
) {
  Deno.test(`bodyText() gives ${name}`, () => {
    assertEquals(bodyText(new Uint8Array(bytes), charset), text);
  });
}

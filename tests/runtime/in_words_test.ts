import { assertEquals } from "@std/assert";
import { escapeHtml, moment, span } from "../../runtime/in_words.ts";

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;
const D = 24 * H;

Deno.test("span() has two units at most, and cuts", () => {
  for (
    const [ms, words] of [
      [-5, "0 s"],
      [999, "0 s"],
      [24 * S, "24 s"],
      [4 * MIN + 12_900, "4 min 12 s"],
      [2 * H, "2 h"],
      [2 * H + 5 * S, "2 h"],
      [D - 1, "23 h 59 min"],
      [3 * D + 17 * H + MIN, "3 d 17 h"],
      [12 * D + 17 * H, "12 d"],
    ] as const
  ) assertEquals(span(ms), words);
});

Deno.test("moment() takes both forms of a time", () => {
  const iso = "2026-05-01T10:03:00.000123Z";
  assertEquals(moment(iso), "2026-05-01 10:03:00 UTC");
  assertEquals(moment(Date.parse(iso)), moment(iso));
});

Deno.test("escapeHtml() leaves nothing that could be markup", () => {
  assertEquals(escapeHtml(`<a href="x">&</a>`), "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
});

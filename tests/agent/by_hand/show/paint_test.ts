import { assertEquals } from "@std/assert";
import { ansi, paintFor, plain } from "../../../../agent/by_hand/show/style.ts";

Deno.test("paintFor() paints on a terminal alone, and there unless NO_COLOR is set", () => {
  assertEquals(
    [
      paintFor(true, undefined),
      paintFor(true, ""),
      paintFor(true, "1"),
      paintFor(false, undefined),
    ],
    [ansi, ansi, plain, plain],
  );
  assertEquals(ansi("red", "down"), "\x1b[31mdown\x1b[0m");
  assertEquals([ansi("red", ""), plain("red", "down")], ["", "down"]);
});

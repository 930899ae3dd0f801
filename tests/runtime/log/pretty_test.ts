import { assertEquals } from "@std/assert";
import { prettyLine } from "../../../runtime/log/pretty.ts";

const entry = (fields: object) =>
  `${JSON.stringify({ time: "2026-01-02T03:04:05.678Z", mode: "writer", ...fields })}\n`;
/** The time is local, so its digits are not looked at. */
const shown = (line: string, hasColour = false) =>
  prettyLine(line, hasColour).replace(/^\d\d:\d\d:\d\d/, "TIME");

Deno.test("prettyLine() has the advice first, then why, then the fields", () => {
  const line = entry({
    level: "error",
    msg: "Storing failed",
    advice: 'run "httpmon init-schema" first',
    error: { type: "error", message: 'relation "x" does not exist', code: "42P01" },
    partition: 3,
    topic: "my topic",
    list: ["a b"],
  });
  assertEquals(
    shown(line),
    'TIME ERROR  Storing failed: run "httpmon init-schema" first ' +
      '(relation "x" does not exist) partition=3 topic="my topic" list=["a b"]\n',
  );
});

Deno.test("prettyLine() colours the level alone, and puts a stack below", () => {
  const line = entry({ level: "notice", msg: "Ran", error: { message: "x", stack: "x\n  at y" } });
  assertEquals(shown(line, true), "TIME \x1b[32mNOTICE\x1b[0m Ran (x)\nx\n  at y\n");
});

import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { ERROR_CLASSES } from "../../../agent/http/types.ts";

Deno.test("docs/error-classes.md lists exactly ERROR_CLASSES, each with cause and remedy", () => {
  const text = readFileSync(new URL("../../../docs/error-classes.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  const cells = rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(cells.map(([name]) => name!.replaceAll("`", "")), [...ERROR_CLASSES]);
  for (const row of cells) {
    assertEquals(row.length, 4, row[0]);
    assert(row.every((cell) => cell !== ""), row[0]);
  }
});

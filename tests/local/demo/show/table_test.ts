import { assert, assertEquals } from "@std/assert";
import { ansi, plain } from "../../../../local/demo/show/paint.ts";
import { countVerdicts, renderTable, type SiteRow } from "../../../../local/demo/show/table.ts";

const UP: SiteRow = {
  name: "fine",
  verdict: "up",
  status: 200,
  ms: 12.345,
  regex: true,
  rows: 10,
  lastError: null,
  incident: null,
};
const DOWN: SiteRow = {
  name: "refused",
  verdict: "down",
  status: null,
  ms: 0.5,
  regex: null,
  rows: 9,
  lastError: "Connection refused",
  incident: null,
};
const WAITING: SiteRow = {
  ...DOWN,
  name: "new",
  verdict: null,
  ms: null,
  rows: 0,
  lastError: null,
  incident: null,
};
const WIDE = { width: 100, height: 20 };

Deno.test("renderTable() lines the columns up", () => {
  assertEquals(renderTable([UP, DOWN, WAITING], WIDE, plain), [
    "SITE     STATE  STATUS     TIME  REGEX  ROWS  INCIDENT  LAST ERROR",
    "fine     up        200  12.3 ms  match    10  -         -",
    "refused  down        -   0.5 ms  -         9  -         Connection refused",
    "new      ...         -        -  -         0  -         -",
  ]);
});

Deno.test("renderTable() keeps to the width", () => {
  const long = { ...DOWN, name: "x".repeat(200), lastError: "y".repeat(200) };
  for (const width of [30, 80, 120]) {
    const [, line] = renderTable([long], { width, height: 5 }, plain);
    assert(width < 80 || line!.length === width, `${line!.length} of ${width}`);
    assert(line!.length < 90 || line!.endsWith("y…"), line);
  }
});

Deno.test("renderTable() keeps to the height and counts the rest", () => {
  const rows = [UP, DOWN, UP, UP, DOWN, WAITING];
  assertEquals(renderTable(rows, { width: 100, height: 4 }, plain).slice(2), [
    "refused  down        -   0.5 ms  -         9  -         Connection refused",
    "and 4 more: 2 up, 1 down, 1 waiting",
  ]);
  assertEquals(renderTable(rows, { width: 100, height: 7 }, plain).length, 7);
});

Deno.test("renderTable() colours states without moving columns", () => {
  const lines = renderTable([UP, DOWN], WIDE, ansi);
  assert(lines[1]!.includes("\x1b[32mup   \x1b[0m"), lines[1]);
  // deno-lint-ignore no-control-regex
  const bare = lines.map((line) => line.replace(/\x1b\[\d+m/g, ""));
  assertEquals(bare, renderTable([UP, DOWN], WIDE, plain));
});

Deno.test("renderTable() lets no control character of a site through", () => {
  const [, line] = renderTable([{ ...DOWN, lastError: "a\x1b[2Jb\r\nc" }], WIDE, plain);
  assert(line!.endsWith("a [2Jb c"), line);
});

Deno.test("countVerdicts() counts in a fixed order", () => {
  assertEquals(countVerdicts([DOWN, UP, WAITING, DOWN]), "1 up, 2 down, 1 waiting");
});

import { assertEquals } from "@std/assert";
import { parseStatusRange } from "../../../agent/rules/status.ts";

Deno.test("parseStatusRange() takes statuses, ranges and classes", () => {
  const cases: [unknown, number, number][] = [
    [200, 200, 200],
    ["404", 404, 404],
    ["200-299", 200, 299],
    ["200 - 204", 200, 204],
    ["301-301", 301, 301],
    ["2xx", 200, 299],
    ["5XX", 500, 599],
  ];
  for (const [given, from, to] of cases) assertEquals(parseStatusRange(given), { from, to });
});

Deno.test("parseStatusRange() refuses anything else", () => {
  const bad = [
    99,
    600,
    200.5,
    -200,
    NaN,
    "",
    "20",
    "6xx",
    "0xx",
    "2x",
    "299-200",
    "200-",
    "200-600",
  ];
  for (const given of [...bad, "2xx-3xx", "x", null, true, [200]]) {
    assertEquals(parseStatusRange(given), null, String(given));
  }
});

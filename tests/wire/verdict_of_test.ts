import { assertEquals } from "@std/assert";
import { verdictOf } from "../../wire/verdict_of.ts";

const CASES: [number | null, string | null, string][] = [
  [200, null, "up"],
  [399, null, "up"],
  [400, null, "down"],
  [199, null, "down"],
  [200, "Body was cut", "down"],
  [null, "Connection refused", "down"],
  [null, null, "down"],
];
for (const [responseCode, errorMessage, verdict] of CASES) {
  Deno.test(`verdictOf() reads ${responseCode} with ${errorMessage} as ${verdict}`, () => {
    assertEquals(verdictOf({ responseCode, errorMessage }), verdict);
  });
}

Deno.test("verdictOf() keeps a verdict that is there", () => {
  assertEquals(verdictOf({ verdict: "unknown", responseCode: 200, errorMessage: null }), "unknown");
});

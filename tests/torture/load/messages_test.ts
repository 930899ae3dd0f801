import { assert, assertEquals } from "@std/assert";
import { decode } from "../../../wire/decode.ts";
import { resultOfSite } from "./messages.ts";
import { seededRandom } from "./random.ts";

Deno.test("resultOfSite() gives results that are read whole, and each field of a message", () => {
  const random = seededRandom(1);
  const fields = new Set<string>();
  for (let n = 1; n <= 1_000; n++) {
    const result = resultOfSite(random, 1 + n % 100, Date.UTC(2026, 4, 1) * 1000 + n);
    const decoded = decode(new TextEncoder().encode(JSON.stringify(result)));
    assert(decoded.ok, JSON.stringify(decoded));
    assertEquals<unknown>(decoded.message, result);
    for (const field of Object.keys(result)) fields.add(field);
    if ("tls" in result && result.tls?.chain) fields.add("chain");
  }
  assertEquals(fields.size, 30);
});

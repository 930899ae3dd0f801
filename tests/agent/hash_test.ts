import { assertAlmostEquals, assertNotEquals } from "@std/assert";
import { hashFraction } from "../../agent/hash.ts";

Deno.test("hashFraction() stays the same from version to version, as places in the schedule do", () => {
  assertAlmostEquals(hashFraction(""), 0.66892219, 1e-8);
  assertAlmostEquals(hashFraction("https://example.com/"), 0.42937755, 1e-8);
  assertAlmostEquals(hashFraction("https://example.com/", 1), 0.67443978, 1e-8);
});

Deno.test("hashFraction() spreads similar texts evenly", () => {
  const buckets = new Array<number>(20).fill(0);
  for (let i = 0; i < 10_000; i++) buckets[Math.floor(hashFraction(`https://a.test/${i}`) * 20)]!++;
  // 500 expected in each; 5 standard deviations are 109.
  for (const count of buckets) assertAlmostEquals(count, 500, 109);
});

Deno.test("hashFraction() gives an independent number for another salt", () => {
  assertNotEquals(hashFraction("a", 0), hashFraction("a", 1));
  let together = 0;
  for (let i = 0; i < 1_000; i++) {
    if (Math.abs(hashFraction(`${i}`, 0) - hashFraction(`${i}`, 1)) < 0.05) together++;
  }
  assertAlmostEquals(together, 97, 50);
});

import { assertEquals } from "@std/assert";
import { Histogram } from "../../../runtime/ops/histogram.ts";

Deno.test("Histogram.record() counts a bound in its bucket, and what is past all in the last", () => {
  const histogram = new Histogram([1, 2.5, 10]);
  for (const value of [0, 1, 1.001, 2.5, 9.9, 10, 10.1, Infinity]) histogram.record(value);
  assertEquals(histogram.counts, [2, 2, 2, 2]);
  assertEquals(histogram.count, 8);
  assertEquals(histogram.sum, Infinity);
});

Deno.test("Histogram starts empty", () => {
  const histogram = new Histogram([1]);
  assertEquals([histogram.counts, histogram.count, histogram.sum], [[0, 0], 0, 0]);
});

import { assertEquals, assertThrows } from "@std/assert";
import { Limiter } from "../../agent/limiter.ts";

Deno.test("Limiter lets in as many as it may, then one for each that leaves, in order", async () => {
  const limiter = new Limiter(2);
  const entered: number[] = [];
  const holders = [0, 1, 2, 3, 4].map((i) => limiter.acquire().then(() => void entered.push(i)));
  await Promise.all(holders.slice(0, 2));
  assertEquals([entered, limiter.held, limiter.waiting], [[0, 1], 2, 3]);
  limiter.release();
  await holders[2];
  assertEquals([entered, limiter.held, limiter.waiting], [[0, 1, 2], 2, 2]);
  limiter.release();
  limiter.release();
  await Promise.all(holders);
  assertEquals([entered, limiter.held, limiter.waiting], [[0, 1, 2, 3, 4], 2, 0]);
  limiter.release();
  limiter.release();
  assertEquals(limiter.held, 0);
});

Deno.test("Limiter refuses a limit that is no positive integer", () => {
  for (const max of [0, -1, 1.5, NaN]) assertThrows(() => new Limiter(max), RangeError, `${max}`);
});

import { assertEquals, assertThrows } from "@std/assert";
import { Limiter } from "../../../agent/condition/limiter.ts";

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

Deno.test("Limiter keeps a quarter of its places from those that hold theirs for long", async () => {
  const limiter = new Limiter(4);
  const entered: string[] = [];
  const enter = (name: string, isLong: boolean) =>
    void limiter.acquire(isLong).then(() => entered.push(name));
  for (const name of ["a", "b", "c", "d", "e"]) enter(name, true);
  enter("quick", false);
  enter("other", false);
  await Promise.resolve();
  assertEquals([entered, limiter.held, limiter.waiting], [["a", "b", "c", "quick"], 4, 3]);
  limiter.release();
  await Promise.resolve();
  assertEquals(entered.at(-1), "other");
  limiter.release();
  await Promise.resolve();
  assertEquals([limiter.held, limiter.waiting], [3, 2]);
  limiter.release();
  await Promise.resolve();
  assertEquals([entered.at(-1), limiter.held, limiter.waiting], ["d", 3, 1]);
});

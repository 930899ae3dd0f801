import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import process from "node:process";
import { Allowances } from "../../../agent/condition/allowance.ts";
import { Limiter } from "../../../agent/condition/limiter.ts";
import { BodyBuffer } from "../../../agent/http/body_buffer.ts";

/** Of each body so much is not counted. */
const FREE = 16 * 1024;

Deno.test("BodyBuffer joins pieces of every size in order", () => {
  const body = new BodyBuffer(1_000_000);
  const sizes = [1, 3, 4096, 4097, 0, 10_000, 2, 16_384, 5000, 1, 4096, 4096, 4096, 4096, 4096, 7];
  const all: number[] = [];
  for (const [i, size] of sizes.entries()) {
    assertEquals(body.add(new Uint8Array(size).fill(i)), true);
    all.push(...new Array(size).fill(i));
  }
  assertEquals([...body.bytes()], all);
  assertEquals(body.truncated, false);
});

Deno.test("BodyBuffer cuts at its cap, not at a body of just that size", () => {
  const exact = new BodyBuffer(4);
  assertEquals(exact.add(new Uint8Array(4)), true);
  assertEquals([exact.bytes().length, exact.truncated], [4, false]);
  assertEquals(exact.add(new Uint8Array(1)), false);
  assertEquals([exact.bytes().length, exact.truncated], [4, true]);
});

Deno.test("BodyBuffer gives memory of its own", () => {
  const read = new Uint8Array(65_536);
  for (const size of [10, 5000]) {
    const body = new BodyBuffer(1_000_000);
    body.add(read.subarray(0, size));
    assertEquals(body.bytes().buffer.byteLength, size);
  }
});

Deno.test("BodyBuffer takes from its allowance all the memory that it holds", () => {
  const budget = 2 ** 30;
  for (const size of [1_100, 77_000, 2_200_000]) {
    const all = new Allowances(budget, new Limiter(1));
    const before = process.memoryUsage().external;
    const bodies = Array.from({ length: 10 }, () => {
      const body = new BodyBuffer(2 ** 23, all.open());
      const piece = new Uint8Array(1_100);
      for (let added = 0; added < size; added += piece.length) body.add(piece);
      return body;
    });
    const held = process.memoryUsage().external - before;
    const counted = budget + FREE - all.open().takeBytes(0, Infinity);
    assertLessOrEqual(held, counted + 10 * (FREE + 1_100));
    assertEquals(bodies.map((body) => body.bytes().length), bodies.map(() => size));
  }
});

Deno.test("BodyBuffer takes what is left, where that is less than it would like to have", () => {
  const all = new Allowances(50_000, new Limiter(1));
  const body = new BodyBuffer(1_000_000, all.open());
  const most = 50_000 + FREE;
  for (let length = 0; length < most; length += 8) body.add(new Uint8Array(8));
  assertEquals([body.bytes().length, body.bytes().buffer.byteLength], [most, most]);
  assertThrows(() => body.add(new Uint8Array(1)), Error, "over the agent's budget");
  assertEquals(body.bytes().length, most);
});

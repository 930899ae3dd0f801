import { assertEquals } from "@std/assert";
import { BodyBuffer } from "../../../agent/http/body_buffer.ts";

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

import { assertEquals, assertThrows } from "@std/assert";
import { Allowances } from "../../../agent/condition/allowance.ts";
import { Limiter } from "../../../agent/condition/limiter.ts";

const KIB = 1024;

Deno.test("Allowances bounds the bytes of all, but for the first 16 KiB of each", () => {
  const all = new Allowances(100 * KIB, new Limiter(1));
  const large = all.open();
  large.takeBytes(10 * KIB);
  large.takeBytes(106 * KIB);
  assertThrows(() => large.takeBytes(1), Error, "over the agent's budget");
  const small = all.open();
  small.takeBytes(16 * KIB);
  assertThrows(() => small.takeBytes(1), Error, "over the agent's budget");
  large.close();
  large.close();
  small.takeBytes(100 * KIB);
  assertThrows(() => small.takeBytes(1), Error, "over the agent's budget");
});

Deno.test("Allowances gives as much as there is, from the least to the most that is asked for", () => {
  const all = new Allowances(100 * KIB, new Limiter(1));
  const one = all.open();
  assertEquals(one.takeBytes(1, 40 * KIB), 40 * KIB);
  assertEquals(one.takeBytes(1, 80 * KIB), 76 * KIB);
  assertThrows(() => one.takeBytes(1, 80 * KIB), Error, "over the agent's budget");
});

Deno.test("Allowances lends the places for sockets that are free", () => {
  const places = new Limiter(4);
  const one = new Allowances(0, places).open();
  assertEquals([one.takeSocket(), one.takeSocket(0.5), one.takeSocket(0.5)], [true, true, false]);
  assertEquals([one.takeSocket(), one.takeSocket(), one.takeSocket()], [true, true, false]);
  one.giveSocket();
  assertEquals([places.held, one.takeSocket()], [3, true]);
});

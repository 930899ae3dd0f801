import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { soon, waitedForCore } from "./patience.ts";

Deno.test("waitedForCore() tells of a process that runs, and nothing of one that does not", async () => {
  const before = await waitedForCore(process.pid);
  assert(before > 0);
  assert(await waitedForCore(process.pid) >= before);
  assertEquals(await waitedForCore(2 ** 22 + 1), 0);
});

Deno.test("soon() says how long it took, and gives up", async () => {
  let looks = 0;
  const took = await soon(60, () => [process.pid], () => Promise.resolve(++looks === 2));
  assert(took!.seconds > 0.49 && took!.fair <= took!.seconds);
  const failing = () => Promise.reject(new Error("a fault is on"));
  assertEquals(await soon(0.1, () => [], failing), null);
});

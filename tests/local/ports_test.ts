import { assertEquals } from "@std/assert";
import { freePort } from "../../local/ports.ts";

Deno.test("freePort() gives no port twice, though nobody listens on any yet", async () => {
  // By chance alone, of 17,000 ports, 500 would hold the same one seven times.
  const ports = await Promise.all(Array.from({ length: 500 }, () => freePort()));
  assertEquals(new Set(ports).size, 500);
});

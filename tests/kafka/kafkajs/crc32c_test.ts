import { assertEquals } from "@std/assert";
import { createRequire } from "node:module";
import { crc32c } from "../../../kafka/kafkajs/crc32c.ts";

const own: (bytes: Uint8Array) => number = createRequire(import.meta.url)(
  "kafkajs/src/protocol/recordBatch/crc32C/index.js",
);

Deno.test("crc32c() agrees with RFC 3720's examples, and with kafkajs's at every length", () => {
  const bytes = (length: number, byte: (n: number) => number) =>
    Uint8Array.from({ length }, (_, n) => byte(n));
  assertEquals(crc32c(bytes(32, () => 0)), 0x8a9136aa);
  assertEquals(crc32c(bytes(32, () => 255)), 0x62a8ab43);
  assertEquals(crc32c(bytes(32, (n) => n)), 0x46dd794e);
  assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  for (let length = 0; length < 100; length++) {
    const some = bytes(length, (n) => n * 167 + length);
    assertEquals(crc32c(some), own(some), `${length}`);
  }
});

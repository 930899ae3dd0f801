import { assertEquals } from "@std/assert";
import kafkajsMurmur2 from "kafkajs/src/producer/partitioners/default/murmur2.js";
import { murmur2 } from "../../../kafka/kafkajs/murmur2.ts";

Deno.test("murmur2() gives what Kafka's own gives", () => {
  // From org.apache.kafka.common.utils.UtilsTest.
  const known = { "21": -973932308, foobar: -790332482, "a-little-bit-long-string": -985981536 };
  for (const [key, hash] of Object.entries(known)) assertEquals(murmur2(Buffer.from(key)), hash);
});

Deno.test("murmur2() gives what kafkajs does, for keys of each length and byte", () => {
  for (let n = 0; n < 600; n++) {
    const key = Buffer.from(
      Array.from({ length: n % 40 }, (_, at) => (at + 1) * (n + 7) * 37 & 255),
    );
    assertEquals(murmur2(key), kafkajsMurmur2(key), `${key}`);
  }
});

import { assertEquals } from "@std/assert";
import { bootstrapServers, parseServer } from "../../kafka/bootstrap_servers.ts";

Deno.test("parseServer() fills in the port", () => {
  assertEquals(parseServer("kafka"), "kafka:9092");
  assertEquals(parseServer("[::1]"), "[::1]:9092");
  assertEquals(parseServer("my_kafka-1.example:1"), "my_kafka-1.example:1");
  assertEquals(parseServer("[2001:db8::1]:65535"), "[2001:db8::1]:65535");
  assertEquals(parseServer("192.0.2.1:9093"), "192.0.2.1:9093");
});

Deno.test("parseServer() refuses what is no host:port", () => {
  const bad = [
    "",
    ":9092",
    "kafka:",
    "kafka:0",
    "kafka:65536",
    "kafka:9a",
    "kafka:-1",
    "a b:9092",
    "::1:9092",
    "[::1",
    "[]:9092",
    "[1:2]:9092",
    "kafka://h:9092",
    "kafka1:9092;kafka2:9092",
  ];
  for (const text of bad) assertEquals(parseServer(text), null, text);
});

Deno.test("bootstrapServers takes commas and lists, with spaces around", () => {
  assertEquals(bootstrapServers.parse(" a , b:1 "), ["a:9092", "b:1"]);
  assertEquals(bootstrapServers.parse(["a", " b:1"]), ["a:9092", "b:1"]);
  for (const bad of ["a,,b", "a,", "", ["a,b"], [""], [1], [], 5]) {
    assertEquals(bootstrapServers.safeParse(bad).success, false);
  }
});

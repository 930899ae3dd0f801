import { assertEquals } from "@std/assert";
import { parseListen } from "../../config/fields.ts";

Deno.test("parseListen() takes a port for the loopback address, or host:port", () => {
  const cases: [unknown, string, number][] = [
    [9100, "127.0.0.1", 9100],
    ["9100", "127.0.0.1", 9100],
    ["0.0.0.0:9100", "0.0.0.0", 9100],
    [0, "127.0.0.1", 0],
    ["localhost:1", "localhost", 1],
    ["[::]:65535", "::", 65535],
    // Any free port, which the log then tells.
    [0, "127.0.0.1", 0],
  ];
  for (const [given, host, port] of cases) assertEquals(parseListen(given), { host, port });
});

Deno.test("parseListen() refuses anything else", () => {
  const bad = [65536, -1, 9100.5, "", ":9100", "localhost", "localhost:", "::1:9100", "[::1]"];
  for (const given of [...bad, "http://localhost:9100", "a b:9100", "300.1.1.1:9100", null, true]) {
    assertEquals(parseListen(given), null, String(given));
  }
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import net from "node:net";
import { createTimedClient } from "../../../../agent/http/timed/client.ts";
import { startHostileServer } from "../../../support/hostile_server.ts";
import { Authority } from "../certificates.ts";
import { startProxy } from "./proxy_server.ts";

const never = new AbortController().signal;
const client = createTimedClient();

Deno.test("a proxy carries http and https alike, by CONNECT", async () => {
  const authority = await Authority.create();
  const plain = await startHostileServer();
  const secure = await startHostileServer({ tls: await authority.sign({ name: "site" }) });
  const proxy = await startProxy();
  for (const server of [plain, secure]) {
    const request = { url: server.url("/fine"), proxy: proxy.url(), tls: { ca: authority.cert } };
    const record = await client(request, never);
    assertEquals([record.error, record.status], [null, 200]);
    assertEquals(proxy.heads.pop()?.split("\r\n")[0], `CONNECT 127.0.0.1:${server.port} HTTP/1.1`);
  }
  await Promise.all([plain.close(), secure.close(), proxy.close()]);
});

Deno.test("a proxy gets its credentials, the site does not", async () => {
  const server = await startHostileServer();
  const proxy = await startProxy();
  const record = await client(
    { url: server.url("/fine"), proxy: proxy.url("us%40er:pass") },
    never,
  );
  assertEquals(record.error, null);
  const expected = Buffer.from("us@er:pass").toString("base64");
  assertStringIncludes(proxy.heads[0]!, `Proxy-Authorization: Basic ${expected}\r\n`);
  assertEquals(/proxy-authorization/i.test(server.requests[0]!), false);
  await Promise.all([server.close(), proxy.close()]);
});

Deno.test("a proxy's own trouble is not the site's", async () => {
  const url = "http://site.test/";
  const table = [
    ["HTTP/1.1 502 Bad Gateway\r\n\r\n", "connection_failed"],
    ["HTTP/1.1 407 Who are you\r\n\r\n", "not_made"],
    ["HTTP/1.1 403 Forbidden\r\n\r\n", "not_made"],
    ["garbage\r\n\r\n", "bad_http"],
    ["", "connection_reset"],
  ] as const;
  for (const [answer, expected] of table) {
    const proxy = await startProxy({ answer });
    const record = await client({ url, proxy: proxy.url("user:secret") }, never);
    assertEquals(record.error?.class, expected, answer);
    assertEquals(record.error!.atProxy ?? false, expected !== "connection_failed", answer);
    assertEquals(record.error!.message.includes("secret"), false);
    assertEquals(record.status, null);
    await proxy.close();
  }
  const refused = await client({ url, proxy: "http://127.0.0.1:2" }, never);
  assertEquals([refused.error?.class, refused.error?.atProxy], ["connection_refused", true]);
  const unresolved = await client({ url, proxy: "http://nosuch.invalid:3128" }, never);
  assert(unresolved.error?.atProxy);
  for (const proxy of ["socks5://127.0.0.1", "nonsense"]) {
    assertEquals((await client({ url, proxy }, never)).error?.class, "not_made");
  }
});

Deno.test("a proxy that hangs ends with the timeout", async () => {
  const hanging = net.createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
  const { port } = hanging.address() as net.AddressInfo;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException("", "TimeoutError")), 50);
  const request = { url: "http://site.test/", proxy: `http://127.0.0.1:${port}` };
  const record = await client(request, controller.signal);
  clearTimeout(timer);
  assertEquals(record.error?.class, "timeout");
  assertStringIncludes(record.error!.message, "asking the proxy");
  await new Promise<void>((resolve) => hanging.close(() => resolve()));
});

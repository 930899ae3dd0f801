import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import net from "node:net";
import { createTimedClient } from "../../../../agent/http/timed/client.ts";
import { startHostileServer } from "../../../support/hostile_server.ts";
import { Authority } from "../certificates.ts";
import { startProxy, type TestProxyOptions } from "./proxy_server.ts";

const never = new AbortController().signal;
const client = createTimedClient();
const authority = await Authority.create();
const pair = await authority.sign({ name: "site" });
const tls = { ca: authority.cert };

Deno.test("a proxy of HTTP forwards plain http by the whole URL, and tunnels https by CONNECT", async () => {
  const plain = await startHostileServer();
  const secure = await startHostileServer({ tls: pair });
  for (const kind of ["http", "https"] as const) {
    const proxy = await startProxy({ kind, tls: pair });
    const firstLines = [];
    for (const server of [plain, secure]) {
      const url = server.url("/chunked");
      const record = await client({ url, proxy: proxy.url(), tls }, never);
      assertEquals([record.error, record.status], [null, 200]);
      assertEquals(Buffer.from(record.body).toString(), "hello");
      firstLines.push(proxy.heads.pop()?.split("\r\n")[0]);
    }
    assertEquals(firstLines, [
      `GET ${plain.url("/chunked")} HTTP/1.1`,
      `CONNECT 127.0.0.1:${secure.port} HTTP/1.1`,
    ]);
    await proxy.close();
  }
  assertStringIncludes(plain.requests[0]!, "GET /chunked HTTP/1.1\r\n");
  await Promise.all([plain.close(), secure.close()]);
});

Deno.test("a proxy of SOCKS 5 is given the name, or the address as it is", async () => {
  const plain = await startHostileServer();
  const secure = await startHostileServer({ tls: pair });
  const proxy = await startProxy({ kind: "socks5" });
  const table = [
    [plain.url("/fine"), `127.0.0.1:${plain.port}`],
    [`http://site.test:${plain.port}/fine`, `site.test:${plain.port}`],
    [
      `http://[2001:db8::1:ff]:${plain.port}/fine`,
      `20010db80000000000000000000100ff:${plain.port}`,
    ],
    [`https://localhost:${secure.port}/fine`, `localhost:${secure.port}`],
  ] as const;
  for (const [url, asked] of table) {
    const record = await client({ url, proxy: proxy.url(), tls }, never);
    assertEquals([record.error, record.status, proxy.heads.pop()], [null, 200, asked], url);
  }
  await Promise.all([plain.close(), secure.close(), proxy.close()]);
});

Deno.test("a proxy gets its credentials, the site does not", async () => {
  const plain = await startHostileServer();
  const secure = await startHostileServer({ tls: pair });
  const expected = Buffer.from("us@er:right").toString("base64");
  const proxy = await startProxy();
  for (const server of [plain, secure]) {
    const request = { url: server.url("/fine"), proxy: proxy.url("us%40er:right"), tls };
    assertEquals((await client(request, never)).error, null);
    assertStringIncludes(proxy.heads.pop()!, `Proxy-Authorization: Basic ${expected}\r\n`);
    assertEquals(/proxy-authorization/i.test(server.requests[0]!), false);
  }
  const socks = await startProxy({ kind: "socks5", wantsLogin: true });
  const request = { url: plain.url("/fine"), proxy: socks.url("us%40er:right") };
  assertEquals((await client(request, never)).error, null);
  assertEquals(socks.heads, [`us@er:right@127.0.0.1:${plain.port}`]);
  await Promise.all([plain, secure, proxy, socks].map((server) => server.close()));
});

const answered = (reply: number) => `\x05${String.fromCharCode(reply)}\0\x01\0\0\0\0\0\0`;

Deno.test("a proxy's own trouble is not the site's", async () => {
  const [http, https] = ["http://site.test/", "https://site.test/"];
  const table: [TestProxyOptions, url: string, expected: string, atProxy: boolean][] = [
    [{ answer: "HTTP/1.1 502 Bad Gateway\r\n\r\n" }, https, "connection_failed", false],
    [{ answer: "HTTP/1.1 407 Who are you\r\n\r\n" }, https, "not_made", true],
    [{ answer: "HTTP/1.1 407 Who are you\r\n\r\n" }, http, "not_made", true],
    [{ answer: "HTTP/1.1 403 Forbidden\r\n\r\n" }, https, "not_made", true],
    [{ answer: "garbage\r\n\r\n" }, https, "bad_http", true],
    [{ answer: "" }, https, "connection_reset", true],
    [{ kind: "https", tls: await authorityOfNobody() }, https, "tls_certificate_untrusted", true],
    [{ kind: "socks5", wantsLogin: true }, http, "not_made", true],
    [{ kind: "socks5", answer: answered(1) }, http, "connection_failed", false],
    [{ kind: "socks5", answer: answered(2) }, http, "not_made", true],
    [{ kind: "socks5", answer: answered(4) }, http, "unreachable", false],
    [{ kind: "socks5", answer: answered(5) }, https, "connection_refused", false],
    [{ kind: "socks5", answer: "\x05" }, http, "connection_reset", true],
    [{ kind: "socks5", answer: `${answered(0)}and more` }, http, "bad_http", true],
  ];
  for (const [options, url, expected, atProxy] of table) {
    const proxy = await startProxy(options);
    const record = await client({ url, proxy: proxy.url("user:secret") }, never);
    const about = `${JSON.stringify(options)} ${url}: ${record.error?.message}`;
    assertEquals([record.error?.class, record.error?.atProxy ?? false], [expected, atProxy], about);
    assertEquals(record.error!.message.includes("secret"), false);
    await proxy.close();
  }
});

async function authorityOfNobody() {
  return await (await Authority.create("Unknown")).sign({ name: "proxy" });
}

Deno.test("a proxy that cannot be reached is not the site's, nor is one that is no proxy", async () => {
  const url = "http://site.test/";
  const refused = await client({ url, proxy: "http://127.0.0.1:2" }, never);
  assertEquals([refused.error?.class, refused.error?.atProxy], ["connection_refused", true]);
  const unresolved = await client({ url, proxy: "http://nosuch.invalid:3128" }, never);
  assert(unresolved.error?.atProxy);
  const noSocks = await startProxy({ answer: "HTTP/1.1 400 Bad Request\r\n\r\n" });
  const proxy = noSocks.url().replace("http:", "socks5:");
  const { error } = await client({ url, proxy }, never);
  assertEquals([error?.class, error?.atProxy], ["bad_http", true]);
  await noSocks.close();
  for (const proxy of ["ftp://127.0.0.1", "nonsense"]) {
    assertEquals((await client({ url, proxy }, never)).error?.class, "not_made");
  }
});

Deno.test("a proxy that does not answer ends with the timeout, and is to blame", async () => {
  let timeOut = () => {};
  const hanging = net.createServer((socket) => {
    socket.on("error", () => {}).once("data", () => timeOut());
  });
  await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
  const { port } = hanging.address() as net.AddressInfo;
  for (const kind of ["http", "socks5"]) {
    const controller = new AbortController();
    timeOut = () => controller.abort(new DOMException("", "TimeoutError"));
    const request = { url: "https://site.test/", proxy: `${kind}://127.0.0.1:${port}` };
    const { error } = await client(request, controller.signal);
    assertEquals([error?.class, error?.atProxy], ["timeout", true]);
    assertStringIncludes(error!.message, "asking the proxy");
  }
  await new Promise<void>((resolve) => hanging.close(() => resolve()));
});

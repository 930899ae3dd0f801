import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Socket } from "node:net";
import { bodyText } from "../../../../agent/http/text.ts";
import { createTimedClient } from "../../../../agent/http/timed/client.ts";
import type { Resolver } from "../../../../agent/http/resolve.ts";
import type { HttpRequest } from "../../../../agent/http/types.ts";
import { VERSION } from "../../../../runtime/cli/version.ts";
import { ANSWERS, startHostileServer, withLength } from "../../../support/hostile_server.ts";
import { Authority } from "../certificates.ts";

const never = new AbortController().signal;

Deno.test("createTimedClient() sends path and host as written", async () => {
  const server = await startHostileServer();
  const client = createTimedClient();
  const url = `http://LOCALHOST:${server.port}/a/../fine?x=%7e&y#z`;
  await client({ url, resolve: { localhost: "127.0.0.1" } }, never);
  const lines = server.requests[0]!.split("\r\n");
  assertEquals(lines[0], "GET /a/../fine?x=%7e&y HTTP/1.1");
  assertEquals(lines[1], `Host: LOCALHOST:${server.port}`);
  assertEquals(lines[3], `User-Agent: httpmon/${VERSION}`);
  await server.close();
});

Deno.test("createTimedClient() records version, address and headers as they came", async () => {
  const server = await startHostileServer();
  const client = createTimedClient();
  const record = await client({ url: server.url("/http-1.0") }, never);
  assertEquals([record.httpVersion, record.remoteAddress], ["1.0", "127.0.0.1"]);
  assertEquals([record.tls, record.statusText], [null, "OK"]);
  const other = await client({ url: server.url("/latin1") }, never);
  assertEquals(other.headers[0], ["content-type", "text/plain; charset=iso-8859-1"]);
  assertEquals(other.httpVersion, "1.1");
  await server.close();
});

Deno.test("createTimedClient() gives bodies that read as their charset says", async () => {
  const server = await startHostileServer();
  const client = createTimedClient();
  const table = [["utf8-invalid", "a\ufffd\ufffdb"], ["latin1", "café"], [
    "charset-unknown",
    "café",
  ]];
  for (const [name, expected] of table) {
    assertEquals(bodyText(await client({ url: server.url(`/${name}`) }, never)), expected);
  }
  await server.close();
});

Deno.test("createTimedClient() sends method, headers and body", async () => {
  const server = await startHostileServer();
  const body = new TextEncoder().encode("question");
  const record = await createTimedClient()({
    url: server.url("/fine"),
    method: "POST",
    headers: [["X-Own", "1"]],
    body,
  }, never);
  assertEquals(record.status, 200);
  assertMatch(
    server.requests[0]!,
    /^POST \/fine [^]*X-Own: 1\r\nContent-Length: 8\r\n\r\nquestion$/,
  );
  await server.close();
});

Deno.test("createTimedClient() connects to the address that `resolve` gives", async () => {
  const server = await startHostileServer();
  const resolver: Resolver = {
    lookup: () => {
      throw new Error("Nobody is to be asked");
    },
    answersForRoot: () => Promise.resolve(false),
  };
  const record = await createTimedClient({ resolver })({
    url: `http://site.test:${server.port}/fine`,
    resolve: { "site.test": "127.0.0.1" },
  }, never);
  assertEquals([record.error, record.remoteAddress], [null, "127.0.0.1"]);
  assertMatch(server.requests[0]!, new RegExp(`Host: site.test:${server.port}\r\n`));
  await server.close();
});

Deno.test("createTimedClient() falls back to the other family, unless the version is set", async () => {
  const server = await startHostileServer();
  const resolver: Resolver = {
    lookup: (_host, { family }, callback) =>
      callback(
        null,
        [{ address: "::1", family: 6 }, { address: "127.0.0.1", family: 4 }]
          .filter((found) => family === 0 || found.family === family),
      ),
    answersForRoot: () => Promise.resolve(true),
  };
  const client = createTimedClient({ resolver });
  const url = `http://site.test:${server.port}/fine`;
  assertEquals((await client({ url }, never)).remoteAddress, "127.0.0.1");
  assertEquals((await client({ url, ipVersion: "4" }, never)).status, 200);
  // The server listens on 127.0.0.1 alone.
  assertEquals((await client({ url, ipVersion: "6" }, never)).status, null);
  await server.close();
});

Deno.test("createTimedClient() gives a fresh connection to each check", async () => {
  const server = await startHostileServer();
  const client = createTimedClient();
  for (let i = 0; i < 3; i++) await client({ url: server.url("/kept-alive") }, never);
  assertEquals(server.connections, 3);
  await server.close();
});

Deno.test("createTimedClient() reuses a connection where the request allows it", async () => {
  const server = await startHostileServer();
  const client = createTimedClient();
  const request: HttpRequest = { url: server.url("/kept-alive"), reuseConnection: true };
  const first = await client(request, never);
  const second = await client(request, never);
  assertEquals([first.error, second.error, server.connections], [null, null, 1]);
  assertEquals([second.phases!.connect, second.phases!.tls], [0, 0]);
  assertEquals(second.remoteAddress, "127.0.0.1");
  // Not repeatable, or to be new: a connection of their own.
  await client({ ...request, method: "POST" }, never);
  await client({ ...request, reuseConnection: false }, never);
  assertEquals(server.connections, 3);
  client.close();
  await server.close();
});

Deno.test("createTimedClient() makes a new connection when the kept one was closed by the site", async () => {
  const answered = new Set<Socket>();
  const server = await startHostileServer({
    answers: {
      // The second request on a connection finds the door shut.
      once: (s) => {
        if (answered.has(s)) return void s.resetAndDestroy();
        answered.add(s);
        s.write(withLength("hello"));
      },
    },
  });
  const client = createTimedClient();
  const request: HttpRequest = { url: server.url("/once"), reuseConnection: true };
  assertEquals((await client(request, never)).error, null);
  assertEquals((await client(request, never)).error, null);
  assertEquals(server.connections, 2);
  client.close();
  await server.close();
});

Deno.test("createTimedClient() reuses no connection on which a redirect's body is still to come", async () => {
  const head = "HTTP/1.1 302 Found\r\nLocation: /kept-alive\r\nContent-Length: 5\r\n\r\n";
  const server = await startHostileServer({
    answers: {
      ...ANSWERS,
      late: (s) => s.write(head),
      whole: (s) => s.write(`${head}hello`),
    },
  });
  for (const [path, connections] of [["/late", 2], ["/whole", 1]] as const) {
    const client = createTimedClient();
    const before = server.connections;
    const record = await client({ url: server.url(path), reuseConnection: true }, never);
    assertEquals([record.error, record.status], [null, 200], path);
    assertEquals(server.connections - before, connections, path);
    client.close();
  }
  await server.close();
});

Deno.test("createTimedClient() tells the addresses that the last hop tried", async () => {
  const server = await startHostileServer();
  const record = await createTimedClient()({ url: server.url("/fine") }, never);
  assertEquals(record.addresses, ["127.0.0.1"]);
  const refused = await createTimedClient()({ url: "http://127.0.0.1:2/" }, never);
  assertEquals(refused.addresses, ["127.0.0.1"]);
  await server.close();
});

Deno.test("createTimedClient() keeps credentials from http to https on the same host", async () => {
  const authority = await Authority.create();
  const secure = await startHostileServer({ tls: await authority.sign({ name: "site" }) });
  const up = `HTTP/1.1 301 Moved\r\nLocation: ${secure.url("/fine")}\r\n\r\n`;
  const server = await startHostileServer({ answers: { up: (s) => s.end(up) } });
  const headers = [["Authorization", "Bearer secret"], ["Cookie", "a=b"]] as const;
  const tls = { ca: authority.cert };
  const record = await createTimedClient()({ url: server.url("/up"), headers, tls }, never);
  assertEquals([record.error, record.status], [null, 200]);
  assertMatch(secure.requests[0]!, /Authorization: Bearer secret\r\nCookie: a=b/);
  await Promise.all([server.close(), secure.close()]);
});

Deno.test("createTimedClient() drops credentials at a redirect to another origin", async () => {
  const other = await startHostileServer();
  const away = `HTTP/1.1 302 Found\r\nLocation: ${other.url("/fine")}\r\n\r\n`;
  const server = await startHostileServer({ answers: { away: (s) => s.end(away) } });
  const headers = [["Authorization", "Bearer secret"], ["Cookie", "a=b"]] as const;
  const record = await createTimedClient()({ url: server.url("/away"), headers }, never);
  assertEquals([record.error, record.status], [null, 200]);
  assertMatch(server.requests[0]!, /Bearer secret/);
  assertEquals(/bearer|cookie/i.test(other.requests[0]!), false);
  await Promise.all([server.close(), other.close()]);
});

Deno.test("createTimedClient() tells an abort from a timeout, and what was under way", async () => {
  const server = await startHostileServer();
  const client = createTimedClient();
  const controller = new AbortController();
  const exchange = client({ url: server.url("/hang") }, controller.signal);
  controller.abort(new DOMException("", "AbortError"));
  assertEquals((await exchange).error?.class, "aborted");
  const late = await client({ url: server.url("/fine") }, controller.signal);
  assertEquals(late.error?.class, "aborted");

  const timed = AbortSignal.abort(new DOMException("", "TimeoutError"));
  const record = await client({ url: server.url("/fine") }, timed);
  assertEquals(record.error?.message, "No full response in the time allowed: while connecting");
  await server.close();
});

Deno.test("createTimedClient() leaves no listener on the signal", async () => {
  const server = await startHostileServer();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (
    ...args: Parameters<typeof remove>
  ) => (listeners--, remove(...args));
  const client = createTimedClient();
  for (const name of ["fine", "reset", "redirect-loop", "gzip-bomb", "garbage"]) {
    await client({ url: server.url(`/${name}`) }, signal);
  }
  assertEquals(listeners, 0);
  await server.close();
});

Deno.test("createTimedClient() never rejects, whatever it is asked", async () => {
  const client = createTimedClient();
  const asked: HttpRequest[] = [
    { url: "" },
    { url: "http://127.0.0.1:0/" },
    { url: "http://127.0.0.1:2/", method: "NO GOOD" },
    { url: "http://127.0.0.1:2/", headers: [["a b", "c"]] },
    { url: "http://127.0.0.1:2/", proxy: "" },
    { url: `http://${"x".repeat(70)}.test/` },
    { url: `http://${"x.".repeat(200)}test/` },
    { url: "http://127.0.0.1:2/", resolve: { "127.0.0.1": "not an address" } },
  ];
  for (const request of asked) {
    const record = await client(request, never);
    assert(record.error, JSON.stringify(request));
  }
});

import { assertEquals } from "@std/assert";
import { isIP } from "node:net";
import { NetworkRules } from "../../../agent/http/networks.ts";
import { createPlatformFetchClient } from "../../../agent/http/platform_fetch.ts";
import type { Resolver } from "../../../agent/http/resolve.ts";
import type { HttpRequest } from "../../../agent/http/types.ts";
import { ANSWERS, startHostileServer } from "../../support/hostile_server.ts";
import { VERSION } from "../../../runtime/cli/version.ts";

const never = new AbortController().signal;

Deno.test("createPlatformFetchClient() makes a connection for each check", async () => {
  const server = await startHostileServer();
  const client = createPlatformFetchClient();
  for (let i = 0; i < 3; i++) {
    assertEquals((await client({ url: server.url("/kept-alive") }, never)).error, null);
  }
  assertEquals(server.connections, 3);
  await server.close();
});

Deno.test("createPlatformFetchClient() sends its user agent unless the request has one", async () => {
  const server = await startHostileServer();
  const client = createPlatformFetchClient();
  await client({ url: server.url("/fine") }, never);
  await client({
    url: server.url("/fine"),
    headers: [["User-Agent", "own"], ["X-A", "1"], ["x-a", "2"]],
  }, never);
  assertEquals(/^user-agent: (.*)\r$/im.exec(server.requests[0]!)?.[1], `httpmon/${VERSION}`);
  assertEquals(/^user-agent: (.*)\r$/im.exec(server.requests[1]!)?.[1], "own");
  assertEquals(/^x-a: (.*)\r$/im.exec(server.requests[1]!)?.[1], "1, 2");
  await server.close();
});

Deno.test("createPlatformFetchClient() refuses what fetch cannot do rather than leave it out", async () => {
  let called = false;
  const client = createPlatformFetchClient({
    fetch: () => {
      called = true;
      return Promise.resolve(new Response());
    },
  });
  const options: Partial<HttpRequest>[] = [
    { ipVersion: "6" },
    { resolve: { "site.test": "192.0.2.1" } },
    { proxy: "http://proxy.test:3128" },
    { reuseConnection: true },
    { tls: { insecure: true } },
    { httpVersion: "2" },
  ];
  for (const option of options) {
    const record = await client({ url: "http://site.test/", ...option }, never);
    assertEquals(record.error?.class, "not_made", JSON.stringify(option));
  }
  assertEquals(called, false);
});

Deno.test("createPlatformFetchClient() tells an abort from a timeout by the signal's reason", async () => {
  const server = await startHostileServer();
  const client = createPlatformFetchClient();
  const reasons = [
    [new DOMException("", "TimeoutError"), "timeout"],
    [new DOMException("", "AbortError"), "aborted"],
    ["stopping", "aborted"],
  ] as const;
  for (const [reason, expected] of reasons) {
    const controller = new AbortController();
    const exchange = client({ url: server.url("/hang") }, controller.signal);
    controller.abort(reason);
    assertEquals((await exchange).error?.class, expected);
    assertEquals(
      (await client({ url: server.url("/fine") }, controller.signal)).error?.class,
      expected,
    );
  }
  await server.close();
});

Deno.test("createPlatformFetchClient() drops credentials at a redirect to another origin", async () => {
  const other = await startHostileServer();
  const server = await startHostileServer({
    answers: {
      ...ANSWERS,
      away: (s) =>
        s.end(`HTTP/1.1 302 Found\r\nLocation: ${other.url("/fine")}\r\nContent-Length: 0\r\n\r\n`),
    },
  });
  const client = createPlatformFetchClient();
  const headers = [["Authorization", "Bearer secret"], ["Cookie", "a=b"]] as const;
  const record = await client({ url: server.url("/away"), headers }, never);
  assertEquals(record.error, null);
  assertEquals(/bearer/i.test(server.requests[0]!), true);
  assertEquals(/bearer|cookie/i.test(other.requests[0]!), false);
  await Promise.all([server.close(), other.close()]);
});

Deno.test("createPlatformFetchClient() looks the name up first, as it may not go everywhere", async () => {
  const ask = async (found: Partial<Resolver>, denied?: string[]) => {
    let asked = 0;
    const client = createPlatformFetchClient({
      networks: new NetworkRules(denied),
      resolver: { answersForRoot: () => Promise.resolve(false), lookup() {}, ...found },
      fetch: () => {
        asked++;
        return Promise.resolve(new Response("hello"));
      },
    });
    const { error } = await client({ url: "http://site.test/" }, never);
    return [error?.class ?? null, asked];
  };
  const addresses = (...all: string[]): Partial<Resolver> => ({
    lookup: (_host, _options, tell) =>
      tell(null, all.map((address) => ({ address, family: isIP(address) }))),
  });
  const failing = (code: string): Partial<Resolver> => ({
    lookup: (_host, _options, tell) => tell(Object.assign(new Error(code), { code }), []),
  });
  assertEquals(await ask(addresses("192.0.2.1")), [null, 1]);
  assertEquals(await ask(addresses("192.0.2.1", "169.254.169.254")), ["not_made", 0]);
  assertEquals(await ask(addresses("192.0.2.1"), ["192.0.2.0/24"]), ["not_made", 0]);
  assertEquals(await ask(failing("ENOTFOUND")), ["dns_not_found", 0]);
  assertEquals(await ask(failing("EAI_AGAIN")), ["resolver_silent", 0]);
});

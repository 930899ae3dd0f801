import { assertEquals, assertThrows } from "@std/assert";
import { ExchangeFailure } from "../../../agent/http/errors.ts";
import { NetworkRules } from "../../../agent/http/networks.ts";
import { createPlatformFetchClient } from "../../../agent/http/platform_fetch.ts";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import { startHostileServer } from "../../support/hostile_server.ts";

const never = new AbortController().signal;

function refusal(address: string, before: Partial<Parameters<NetworkRules["check"]>[1]> = {}) {
  const check = () =>
    new NetworkRules().check(address, { isRedirect: false, wasPublic: false, ...before });
  try {
    check();
    return null;
  } catch {
    return assertThrows(check, ExchangeFailure).error.class;
  }
}

Deno.test("NetworkRules deny link-local addresses and the clouds' metadata, however they are written", () => {
  const denied = [
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
  ];
  for (const address of denied) {
    assertEquals(refusal(address), "not_made", address);
    assertEquals(refusal(address, { isRedirect: true }), "redirect_denied", address);
  }
  for (const address of ["127.0.0.1", "10.0.0.1", "192.0.2.1", "::1", "fd00::1", "2001:db8::1"]) {
    assertEquals(refusal(address), null, address);
    assertEquals(refusal(address, { isRedirect: true }), null, address);
  }
});

Deno.test("NetworkRules refuse a way from a public site into a private network", () => {
  const after = { isRedirect: true, wasPublic: true };
  const isPrivate = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "::",
    "::1",
    "fd12::1",
    "::ffff:10.0.0.1",
  ];
  for (const address of isPrivate) {
    assertEquals(refusal(address, after), "redirect_denied", address);
  }
  for (const address of ["192.0.2.1", "172.32.0.1", "2001:db8::1", "::2:1"]) {
    assertEquals(refusal(address, after), null, address);
  }
});

// 127.0.0.1 stands for a public site here, 127.0.0.2, where nobody listens, for a private network.
const networks = new NetworkRules(["127.0.0.3"], ["127.0.0.2"]);
const clients = {
  timed: createTimedClient({ networks }),
  fetch: createPlatformFetchClient({ networks }),
};

for (const [name, client] of Object.entries(clients)) {
  Deno.test(`the client "${name}" follows no redirect into private or denied networks`, async () => {
    const server = await startHostileServer({
      answers: Object.fromEntries(["127.0.0.2", "127.0.0.3", "127.0.0.1"].map((address) => [
        address,
        (s) => {
          const to = `http://${address}:${server.port}/fine`;
          s.end(`HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`);
        },
      ])),
    });
    const ask = async (address: string, followRedirects: true | "any") => {
      const url = server.url(`/${address}`);
      const { error, hops } = await client({ url, followRedirects }, never);
      return [error?.class ?? null, hops.length];
    };
    assertEquals(await ask("127.0.0.2", true), ["redirect_denied", 2]);
    assertEquals(await ask("127.0.0.2", "any"), ["connection_refused", 2]);
    assertEquals(await ask("127.0.0.3", true), ["redirect_denied", 2]);
    assertEquals(await ask("127.0.0.3", "any"), ["redirect_denied", 2]);
    assertEquals((await client({ url: "http://127.0.0.3/" }, never)).error?.class, "not_made");
    assertEquals(server.requests.length, 4);
    await server.close();
  });

  Deno.test(`the client "${name}" keeps cookies over redirects where it is asked to`, async () => {
    const server = await startHostileServer({
      answers: {
        login: (s) =>
          s.end(
            "HTTP/1.1 302 Found\r\nLocation: /home\r\nSet-Cookie: id=1; Path=/\r\n" +
              "Set-Cookie: theme=dark\r\nContent-Length: 0\r\n\r\n",
          ),
        home: (s, request) => {
          const cookies = /^cookie: (.*)\r$/im.exec(request)?.[1] ?? "none";
          s.end(`HTTP/1.1 200 OK\r\nContent-Length: ${cookies.length}\r\n\r\n${cookies}`);
        },
      },
    });
    const ask = async (cookies: boolean) => {
      const { body } = await client({ url: server.url("/login"), cookies }, never);
      return new TextDecoder().decode(body);
    };
    assertEquals(await ask(true), "id=1; theme=dark");
    assertEquals(await ask(true), "id=1; theme=dark");
    assertEquals(await ask(false), "none");
    await server.close();
  });
}

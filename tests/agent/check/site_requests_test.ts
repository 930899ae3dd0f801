import { assertEquals, assertStrictEquals } from "@std/assert";
import { SiteRequests } from "../../../agent/check/site_requests.ts";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import type { HttpClient, HttpRequest } from "../../../agent/http/types.ts";
import type { Auth } from "../../../agent/auth/index.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import {
  type HostileServer,
  startHostileServer,
  withLength,
} from "../../support/hostile_server.ts";
import { clients, response, site, type SiteValues } from "../support.ts";

const NEVER = new AbortController().signal;

async function prepared(values: SiteValues, client?: HttpClient): Promise<HttpRequest> {
  const all = clients(client ?? (() => Promise.reject(new Error("Nothing is to be asked"))));
  const outcome = await new SiteRequests(all, new FakeClock()).prepare(site(values), NEVER);
  if ("error" in outcome) throw new Error(outcome.error.message);
  return outcome.request;
}

const OAUTH2: Auth = {
  kind: "oauth2",
  token_url: "http://login.test/token",
  client_id: "id",
  client_secret: "s3cret",
  scope: null,
};

Deno.test("SiteRequests asks for a site as its config says, and for nothing that it does not", async () => {
  assertEquals(await prepared({}), {
    url: "http://site.test/",
    method: "GET",
    headers: [],
    body: null,
    readBodyBytes: 1024 * 1024,
    followRedirects: true,
    maxRedirects: 10,
    ipVersion: "auto",
    resolve: {},
    proxy: null,
    reuseConnection: false,
    cookies: false,
    httpVersion: "1.1",
    tls: null,
  });
  const body = new TextEncoder().encode("hello");
  assertEquals(
    await prepared({
      url: "https://site.test/a",
      request: {
        method: "POST",
        headers: [["X-A", "b"]],
        body,
        resolve: { "site.test": "192.0.2.1" },
        proxy: "http://proxy.test:3128",
        tls: { ca: "CA", cert: null, key: null, serverName: "other.test", insecure: true },
      },
    }),
    {
      url: "https://site.test/a",
      method: "POST",
      headers: [["X-A", "b"]],
      body,
      readBodyBytes: 1024 * 1024,
      followRedirects: true,
      maxRedirects: 10,
      ipVersion: "auto",
      resolve: { "site.test": "192.0.2.1" },
      proxy: "http://proxy.test:3128",
      reuseConnection: false,
      cookies: false,
      httpVersion: "1.1",
      tls: { ca: "CA", cert: null, key: null, serverName: "other.test", insecure: true },
    },
  );
});

for (
  const { name, auth, expected } of [
    {
      name: "basic credentials in UTF-8",
      auth: { kind: "basic", username: "jürgen", password: "päss:wörd" },
      expected: "Basic asO8cmdlbjpww6Rzczp3w7ZyZA==",
    },
    { name: "a bearer token", auth: { kind: "bearer", token: "abc" }, expected: "Bearer abc" },
  ] as const
) {
  Deno.test(`SiteRequests sends ${name}, in place of a header of the site`, async () => {
    const { headers } = await prepared({
      auth,
      request: { headers: [["authorization", "mine"], ["X-A", "b"]] },
    });
    assertEquals(headers, [["X-A", "b"], ["Authorization", expected]]);
  });
}

Deno.test("SiteRequests makes the request of a site once", async () => {
  const requests = new SiteRequests(clients(() => Promise.reject()), new FakeClock());
  const tls = { ca: null, cert: null, key: null, serverName: null, insecure: true };
  const one = site({ request: { tls } });
  const first = await requests.prepare(one, NEVER) as { request: HttpRequest };
  const second = await requests.prepare(one, NEVER) as { request: HttpRequest };
  assertStrictEquals(first.request.tls, second.request.tls);
});

Deno.test("SiteRequests shares a token among sites that would ask for the same one alike", async () => {
  const asked: HttpRequest[] = [];
  const client: HttpClient = (request) => {
    asked.push(request);
    return Promise.resolve(response({ text: `{"access_token":"t${asked.length}"}` }));
  };
  const requests = new SiteRequests(clients(client), new FakeClock());
  const token = async (values: SiteValues) => {
    const outcome = await requests.prepare(site(values), NEVER) as { request: HttpRequest };
    return outcome.request.headers!.at(-1)![1];
  };
  const tls = { ca: "CA", cert: "C", key: "K", serverName: "a.test", insecure: true };
  assertEquals(await token({ auth: OAUTH2 }), "Bearer t1");
  assertEquals(await token({ auth: { ...OAUTH2 }, url: "http://other.test/" }), "Bearer t1");
  assertEquals(await token({ auth: { ...OAUTH2, scope: "more" } }), "Bearer t2");
  assertEquals(await token({ auth: OAUTH2, request: { tls } }), "Bearer t3");
  assertEquals(asked.map(({ tls }) => tls), [null, null, { ca: "CA" }]);
});

Deno.test("SiteRequests gives no request where there is no token", async () => {
  const client: HttpClient = () => Promise.resolve(response({ status: 500 }));
  const requests = new SiteRequests(clients(client), new FakeClock());
  assertEquals(await requests.prepare(site({ auth: OAUTH2 }), NEVER), {
    error: {
      class: "no_token",
      message: "No access token could be had: its server answered 500",
    },
  });
});

/** Two servers: one that sends on to the other, and gives tokens; both keep what they were asked. */
async function withTwoOrigins(
  use: (first: HostileServer, second: HostileServer) => Promise<void>,
): Promise<void> {
  const second = await startHostileServer();
  const onTo = (status: string, location: string) =>
    `HTTP/1.1 ${status}\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
  const first = await startHostileServer({
    answers: {
      away: (s) => s.end(onTo("302 Found", second.url("/fine"))),
      near: (s) => s.end(onTo("302 Found", "/fine")),
      fine: (s) => s.end(withLength("hello")),
      refuses: (s) => s.end(withLength("no", "401 Unauthorized")),
      token: (s) => s.end(withLength('{"access_token":"the-token","expires_in":60}')),
      "token-away": (s) => s.end(onTo("307 Temporary Redirect", second.url("/token"))),
    },
  });
  try {
    await use(first, second);
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
}

function authorizations({ requests }: HostileServer): (string | null)[] {
  return requests.map((head) => /^authorization: (.*)$/im.exec(head)?.[1]?.trim() ?? null);
}

const CREDENTIALS: [name: string, auth: (server: HostileServer) => Auth, header: string][] = [
  ["basic", () => ({ kind: "basic", username: "a", password: "b" }), "Basic YTpi"],
  ["bearer", () => ({ kind: "bearer", token: "the-token" }), "Bearer the-token"],
  ["oauth2", (server) => ({ ...OAUTH2, token_url: server.url("/token") }), "Bearer the-token"],
];

for (const [name, auth, header] of CREDENTIALS) {
  Deno.test(`SiteRequests: the timed client sends ${name} to the site's own origin alone`, async () => {
    await withTwoOrigins(async (first, second) => {
      const client = createTimedClient();
      const requests = new SiteRequests(clients(client), new FakeClock());
      for (const path of ["/near", "/away"]) {
        const one = site({ url: first.url(path), auth: auth(first) });
        const outcome = await requests.prepare(one, NEVER) as { request: HttpRequest };
        assertEquals((await client(outcome.request, NEVER)).status, 200);
      }
      const sent = authorizations(first).filter((value) => value === header);
      assertEquals(sent.length, 3, "near, its target, away");
      assertEquals(authorizations(second), [null]);
      client.close();
    });
  });
}

Deno.test("SiteRequests: the secret does not follow a redirect of the token server", async () => {
  await withTwoOrigins(async (first, second) => {
    const client = createTimedClient();
    const requests = new SiteRequests(clients(client), new FakeClock());
    const auth: Auth = { ...OAUTH2, token_url: first.url("/token-away") };
    const outcome = await requests.prepare(site({ auth }), NEVER);
    assertEquals("error" in outcome && outcome.error.class, "no_token");
    assertEquals(second.requests, []);
    client.close();
  });
});

Deno.test("SiteRequests.refused() lets the next check ask for another token", async () => {
  await withTwoOrigins(async (first) => {
    const client = createTimedClient();
    const requests = new SiteRequests(clients(client), new FakeClock());
    const one = site({ url: first.url("/refuses"), auth: CREDENTIALS[2]![1](first) });
    for (let i = 0; i < 2; i++) {
      const outcome = await requests.prepare(one, NEVER) as { request: HttpRequest };
      assertEquals((await client(outcome.request, NEVER)).status, 401);
      requests.refused(one, outcome.request);
    }
    const asked = first.requests.map((head) => /^\S+ (\S+)/.exec(head)![1]);
    assertEquals(asked, ["/token", "/refuses", "/token", "/refuses"]);
    client.close();
  });
});

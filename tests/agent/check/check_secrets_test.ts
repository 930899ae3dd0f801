/** No credential leaves in a result, over the wire's own client and a site that shows what it was sent. */
import { assert, assertEquals } from "@std/assert";
import { check } from "../../../agent/check/check.ts";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import type { Auth } from "../../../agent/auth/index.ts";
import { encode } from "../../../wire/encode.ts";
import { type Answer, startHostileServer } from "../../support/hostile_server.ts";
import { loadText } from "../../config/load_text.ts";
import { checkDeps, site, type SiteValues } from "../support.ts";

const NEVER = new AbortController().signal;
const PASSWORD = `s3cret "quoted" & <tagged> pass/word`;
const TOKEN = "opaque-token-0123456789";

/** Shows the request in every place that a result has: reason, headers, body, a redirect's target. */
const shows: Answer = (socket, request) => {
  const oneLine = request.replace(/[\r\n]+/g, " ");
  const basic = /^authorization: Basic (\S+)/im.exec(request)?.[1];
  const clear = basic ? atob(basic) : "";
  const body = `<pre>${request}</pre><p>${clear}</p>` + JSON.stringify({ request, clear }) +
    `<p>${encodeURIComponent(clear)}</p>`;
  socket.end(
    `HTTP/1.1 500 ${oneLine}\r\nServer: ${oneLine}\r\nX-Request-Id: ${clear}\r\n` +
      `Location: /?echo=${encodeURIComponent(request)}\r\n` +
      `Set-Cookie: session=${TOKEN}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
};

const redirects: Answer = (socket, request) => {
  const credential = /^authorization: \S+ (\S+)/im.exec(request)?.[1] ?? "";
  socket.end(
    `HTTP/1.1 302 Found\r\nLocation: http://me:${credential}@${
      /^host: (\S+)/im.exec(request)![1]
    }/again?access_token=${credential}&x=${credential}\r\nContent-Length: 0\r\n\r\n`,
  );
};

const CASES: { name: string; auth?: Auth; values?: SiteValues; secrets: string[] }[] = [
  {
    name: "basic credentials",
    auth: { kind: "basic", username: "me", password: PASSWORD },
    secrets: [PASSWORD, "s3cret", "pass/word", "pass%2Fword", btoa(`me:${PASSWORD}`)],
  },
  { name: "a bearer token", auth: { kind: "bearer", token: TOKEN }, secrets: [TOKEN] },
  {
    name: "an access token",
    auth: {
      kind: "oauth2",
      token_url: "/token",
      client_id: "id",
      client_secret: "client-s3cret",
      scope: null,
    },
    secrets: [TOKEN, "client-s3cret"],
  },
  {
    name: "cookies and keys of its headers",
    values: {
      request: { headers: [["Cookie", `a=b; sid=${TOKEN}`], ["X-Api-Key", "key-abcdef"]] },
    },
    secrets: [TOKEN, "key-abcdef"],
  },
];

for (const { name, auth, values, secrets } of CASES) {
  Deno.test(`check() gives no result with ${name} in it`, async () => {
    const server = await startHostileServer({
      answers: {
        shows,
        redirects,
        again: shows,
        token: (socket) => {
          const body = `{"access_token":"${TOKEN}"}`;
          socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
        },
      },
    });
    const client = createTimedClient();
    const deps = checkDeps(client);
    try {
      for (const path of ["/shows", "/redirects"]) {
        const own = auth?.kind === "oauth2" ? { ...auth, token_url: server.url("/token") } : auth;
        const one = site({ url: server.url(path), auth: own ?? null, ...values });
        const { message, record } = (await check(one, NEVER, deps))!;
        assertEquals([message.verdict, message.responseCode], ["down", 500]);
        const sent = server.requests.at(-1)!;
        const shown = new TextDecoder().decode(record.body);
        assert(shown.includes(sent.trim().slice(0, 40)), "the site shows what it was sent");
        const text = encode(message);
        for (const secret of secrets) {
          assert(!text.includes(secret), `${secret} in ${text}`);
          assert(!text.includes(JSON.stringify(secret).slice(1, -1)), `${secret} in ${text}`);
        }
      }
    } finally {
      client.close();
      await server.close();
    }
  });
}

Deno.test("check() gives a result without what came from outside, wherever it stood", async () => {
  const server = await startHostileServer({ answers: { shows } });
  const client = createTimedClient();
  const env = {
    KEY: "url-s3cret",
    TEAM: "header-s3cret",
    PART: "body/s3cret+",
    RULE: "rule-s3cret",
  };
  try {
    const config = loadText(
      `websites:
        named:
          url: "${server.url("/shows")}?a=b&k=${"${KEY}"}"
          headers: {X-Team: "${"${TEAM}"}"}
          method: POST
          body: '{"a": "${"${PART}"}"}'
          not_regex: "${"${RULE}"}|nothing"
          labels: {team: "${"${TEAM}"}"}`,
      { env },
    );
    const [one] = config.sites;
    const deps = checkDeps(client);
    const { message, record } = (await check(one!, NEVER, deps))!;
    assert(new TextDecoder().decode(record.body).includes(env.KEY), "the site shows the secret");
    assertEquals(message.url, `${server.url("/shows")}?a=b&k=\${KEY}`);
    // A label is there to be published.
    assertEquals(message.siteLabels, { team: env.TEAM });
    const text = encode({ ...message, siteLabels: {} });
    for (const secret of Object.values(env)) assert(!text.includes(secret), `${secret} in ${text}`);
    assert(text.includes("k=${KEY}"), text);
  } finally {
    client.close();
    await server.close();
  }
});

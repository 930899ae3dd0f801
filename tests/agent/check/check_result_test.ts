import { assertEquals } from "@std/assert";
import { check as checkSite } from "../../../agent/check/check.ts";
import type { HttpClient, HttpRecord } from "../../../agent/http/types.ts";
import type { Auth } from "../../../agent/auth/index.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { checkDeps, gives, obeys, response, site, type SiteValues } from "../support.ts";

const NEVER = new AbortController().signal;

/** The message alone of a check. */
async function check(...args: Parameters<typeof checkSite>): Promise<ResultMessage | null> {
  return (await checkSite(...args))?.message ?? null;
}

const RESET = response({
  status: null,
  error: { class: "connection_reset", message: "It was connection_reset" },
});

const OAUTH2: Auth = {
  kind: "oauth2",
  token_url: "http://login.test/token",
  client_id: "id",
  client_secret: "s3cret",
  scope: null,
};

Deno.test("check() lets an error decide before a rule, and the first rule before others", async () => {
  const rules = {
    regex: ["absent"],
    json: [{ path: "a", matches: null, min: 1, max: null }],
    max_response_time_ms: 1,
    degraded_response_time_ms: 1,
  };
  const reason = async (record: HttpRecord, more = {}) =>
    (await check(site({ rules: { ...rules, ...more } }), NEVER, checkDeps(gives(record))))!.reason;
  assertEquals(await reason(RESET), "connection_reset");
  assertEquals(await reason(response({ status: 500 })), "status");
  assertEquals(await reason(response()), "regex");
  assertEquals(await reason(response(), { regex: [] }), "json");
  assertEquals(await reason(response(), { regex: [], json: [] }), "max_response_time_ms");
  const last = { regex: [], json: [], max_response_time_ms: null };
  assertEquals(await reason(response(), last), "degraded_response_time_ms");
});

Deno.test("check() says of several regexes whether all matched", async () => {
  const result = async (regex: string[]) => {
    const client = gives(response({ text: "one two" }));
    return (await check(site({ rules: { regex } }), NEVER, checkDeps(client)))!.regexResult;
  };
  assertEquals(await result(["one", "two"]), true);
  assertEquals(await result(["one", "three"]), false);
  assertEquals(await result([]), null);
});

Deno.test("check() keeps evidence of what is down or degraded, not of what is up or unknown", async () => {
  const kept = async (values: SiteValues, record: HttpRecord) =>
    "evidence" in (await check(site(values), NEVER, checkDeps(gives(record))))!;
  const slow = { rules: { degraded_response_time_ms: 1 } };
  assertEquals(await kept({}, response()), false);
  assertEquals(await kept({}, response({ status: 500 })), true);
  assertEquals(await kept(slow, response()), true);
  assertEquals(await kept({ evidence: false }, response({ status: 500 })), false);
  assertEquals(await kept({}, RESET), false);
  const error = { class: "body_aborted", message: "x" } as const;
  assertEquals(await kept({}, response({ error })), true);
  const local = { class: "not_made", message: "x" } as const;
  assertEquals(await kept({}, response({ error: local })), false);
});

Deno.test("check() marks what falls into a maintenance, by the start of the check", async () => {
  const from = Date.UTC(2026, 0, 1);
  const marked = async (to: number) => {
    const one = site({ maintenance: [{ kind: "once", from, to }] });
    return (await check(one, NEVER, checkDeps(gives(response()))))!.maintenance;
  };
  assertEquals(await marked(from + 1), true);
  assertEquals(await marked(from), undefined);
});

Deno.test("check() lets the chain go along at first, and then the fingerprint", async () => {
  const certificate = {
    subject: "CN=a",
    issuer: "CN=b",
    names: [],
    serial: "01",
    fingerprint256: new Array(32).fill("AB").join(":"),
    notBefore: 0,
    notAfter: Date.UTC(2027, 0, 1),
  };
  const record = response({
    tls: {
      protocol: "TLSv1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      chain: [certificate],
      earliestExpiry: certificate.notAfter,
      authorized: true,
      authorizationError: null,
    },
  });
  const [one, deps] = [site(), checkDeps(gives(record))];
  const first = await check(one, NEVER, deps);
  const second = await check(one, NEVER, deps);
  assertEquals([first!.tls!.chain!.length, second!.tls!.chain], [1, undefined]);
  assertEquals(second!.tls!.fingerprint, certificate.fingerprint256);
});

Deno.test("check() of a site without an access token is unknown, and asks nothing of the site", async () => {
  const asked: string[] = [];
  const client: HttpClient = ({ url }) => {
    asked.push(url);
    return Promise.resolve(response({ status: 403 }));
  };
  const result = await check(site({ auth: OAUTH2 }), NEVER, checkDeps(client));
  assertEquals(asked, ["http://login.test/token"]);
  assertEquals(
    [result!.verdict, result!.reason, result!.responseCode, result!.responseTime],
    ["unknown", "local_auth", null, 0],
  );
});

Deno.test("check() that is cut short while it waits for a token gives no result", async () => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const deps = checkDeps(obeys(), { clock });
  const result = check(site({ auth: OAUTH2 }), stop.signal, deps);
  await clock.advance(10);
  stop.abort();
  assertEquals(await result, null);
  deps.requests.close();
  await clock.advance(0);
  assertEquals(clock.pending, 0);
});

Deno.test("check() does not count the wait for a token as response time", async () => {
  const clock = new FakeClock();
  const client: HttpClient = ({ url }) => {
    clock.stall(url.includes("login") ? 4_000 : 10);
    return Promise.resolve(response({ text: '{"access_token":"t"}', ms: 10 }));
  };
  const result = await check(
    site({ auth: OAUTH2, timeoutMs: 5_000 }),
    NEVER,
    checkDeps(client, { clock }),
  );
  assertEquals([result!.verdict, result!.responseTime], ["up", 10]);
});

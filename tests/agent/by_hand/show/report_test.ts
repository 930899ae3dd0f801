import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { check } from "../../../../agent/check/check.ts";
import type { HttpRecord } from "../../../../agent/http/types.ts";
import { ansi } from "../../../../agent/by_hand/show/style.ts";
import { reportOf } from "../../../../agent/by_hand/show/report.ts";
import { PLAIN, type Style } from "../../../../agent/by_hand/show/style.ts";
import { checkDeps, response, site, type SiteValues } from "../../support.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const NEVER = new AbortController().signal;

async function report(record: HttpRecord, values: SiteValues = {}, style: Style = PLAIN) {
  const one = site(values);
  const checked = (await check(one, NEVER, checkDeps(() => Promise.resolve(record))))!;
  return reportOf(one, checked, NOW, style);
}

const FULL = response({
  status: 503,
  statusText: "Service Unavailable",
  text: "<h1>Sorry</h1>\r\n\tback soon\n\n",
  headers: [["content-type", "text/html"], ["retry-after", "30"]],
  ms: 42.04,
  remoteAddress: "192.0.2.7",
  hops: [
    { url: "http://site.test/?token=abc", status: 301, ms: 2 },
    { url: "https://site.test/", status: 503, ms: 40.04 },
  ],
  phases: { dns: 1, connect: 3, tls: 6, firstByte: 29, download: 1.04 },
  tls: {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    chain: [
      {
        subject: "CN=site.test",
        issuer: "CN=Authority",
        names: ["DNS:site.test", "DNS:www.site.test"],
        serial: "0A",
        fingerprint256: "AB:CD",
        notBefore: NOW - DAY_MS,
        notAfter: NOW + 9.5 * DAY_MS,
      },
      {
        subject: "CN=Authority",
        issuer: "CN=Authority",
        names: [],
        serial: "01",
        fingerprint256: "EF:01",
        notBefore: NOW - DAY_MS,
        notAfter: NOW + 1_000 * DAY_MS,
      },
    ],
    earliestExpiry: NOW + 9.5 * DAY_MS,
    authorized: true,
    authorizationError: null,
  },
});

Deno.test("reportOf() shows all that was seen", async () => {
  const values: SiteValues = {
    name: "front page",
    auth: { kind: "bearer", token: "t0ken" },
    rules: { regex: ["^<h1>"], certificate_days_left: 14 },
    maintenance: [{ kind: "once", from: NOW, to: NOW + 1 }],
  };
  assertEquals(
    await report(FULL, values, { ...PLAIN, columns: 43 }),
    `front page  http://site.test/
DOWN  status  ·  503 in 42.0 ms, 28 bytes
Within a maintenance of this site

Request
  GET, with a bearer token
  answered by 192.0.2.7, HTTP/1.1
  own delay at most 0.0 ms

Redirects
  301   2.0 ms  http://site.test/?token=(hidden)
  503  40.0 ms  https://site.test/

Phases of the last request
  dns          1.0 ms
  connect      3.0 ms  ██
  tls          6.0 ms    ███
  first byte  29.0 ms       ██████████████
  download     1.0 ms                     █

TLS
  TLSv1.3, TLS_AES_128_GCM_SHA256, verified
  └ CN=site.test
      9 days left, until 2026-01-10 12:00 UTC; issued by CN=Authority
      DNS:site.test, DNS:www.site.test
      SHA-256 AB:CD
    └ CN=Authority
        1000 days left, until 2028-09-27 00:00 UTC; self-signed

Rules
  ✗ status                 expected 200, found 503
  ✓ regex                  expected a match of ^<h1>, found one
  ✗ certificate_days_left  expected at least 14 days, found 9.5 days

Evidence
  HTTP/1.1 503 Service Unavailable
  content-type: text/html
  retry-after: 30

  <h1>Sorry</h1>
    back soon`.replace("1.0 ms\n  connect", "1.0 ms  ▏\n  connect"),
  );
});

Deno.test("reportOf() of a failure says why, and that no rule was looked at", async () => {
  const error = { class: "connection_refused", message: "Connection refused" } as const;
  assertEquals(
    await report(response({ status: null, httpVersion: null, ms: 1.5, error })),
    `http://site.test/
DOWN  connection_refused  ·  no response in 1.5 ms
Connection refused

Request
  GET
  own delay at most 0.0 ms

Rules
  none was looked at, as no full response came`,
  );
});

Deno.test("reportOf() of the monitor's own trouble says that it is", async () => {
  const error = { class: "no_route", message: "This machine has no network" } as const;
  const lines = (await report(response({ status: null, error }))).split("\n");
  assertEquals(lines.slice(1, 4), [
    "UNKNOWN  local_network  ·  no response in 12.5 ms",
    "This machine has no network",
    "Trouble of this machine's network, which says nothing of the site",
  ]);
  const memory = { class: "no_memory", message: "It is full" } as const;
  assertEquals(
    (await report(response({ status: null, error: memory }))).split("\n")[3],
    "Trouble of this machine or its config, which says nothing of the site",
  );
});

Deno.test("reportOf() says how the request differs from a plain one, without credentials", async () => {
  const text = await report(response(), {
    client: "fetch",
    auth: { kind: "basic", username: "me", password: "s3cret" },
    request: {
      method: "POST",
      ipVersion: "6",
      proxy: "http://me:pr0xy@proxy.test:3128",
      body: new Uint8Array(1_234),
      tls: { ca: null, cert: null, key: null, serverName: null, insecure: true },
    },
  });
  assertEquals(
    text.split("\n").find((line) => line.includes("POST")),
    "  POST, by the platform's fetch, over IPv6, through a proxy, with a user and a password, " +
      "with a body of 1,234 bytes, whatever its certificate says",
  );
  assert(!/s3cret|pr0xy/.test(text));
});

Deno.test("reportOf() shows certificates that are not valid, or not verified", async () => {
  const [own, authority] = FULL.tls!.chain;
  const tls = (values: Partial<typeof own & object>) => ({
    ...FULL.tls!,
    authorized: false,
    authorizationError: "CERT_HAS_EXPIRED",
    chain: [{ ...own!, ...values }, authority!],
  });
  const expired = await report(response({ tls: tls({ notAfter: NOW - DAY_MS }) }));
  assert(expired.includes("not verified: CERT_HAS_EXPIRED"), expired);
  assert(expired.includes("expired on 2025-12-31 00:00 UTC"), expired);
  const early = await report(response({ tls: tls({ notBefore: NOW + DAY_MS }) }));
  assert(early.includes("not valid before 2026-01-02 00:00 UTC"), early);
  const names = Array.from({ length: 9 }, (_, i) => `DNS:${i}.test`);
  assert((await report(response({ tls: tls({ names }) }))).includes("DNS:5.test, and 3 more"));
});

for (
  const { name, record, values, code } of [
    { name: "up", record: response(), values: {}, code: 32 },
    {
      name: "degraded",
      record: response(),
      values: { rules: { degraded_response_time_ms: 1 } },
      code: 33,
    },
    { name: "down", record: FULL, values: {}, code: 31 },
    {
      name: "unknown",
      record: response({ status: null, error: { class: "not_made", message: "x" } }),
      values: {},
      code: 35,
    },
  ]
) {
  Deno.test(`reportOf() paints ${name} in its colour, and without a terminal nothing`, async () => {
    const painted = await report(record, values, { paint: ansi, columns: 80 });
    assert(painted.includes(`\x1b[${code}m${name.toUpperCase()}\x1b[0m`), painted);
    assert(!(await report(record, values)).includes("\x1b"));
  });
}

Deno.test("reportOf() gives a terminal nothing of the site's making to obey, and no long lines", async () => {
  const evil = "\x1b]0;evil\x07\x9b31m\0";
  const record = response({
    ...FULL,
    statusText: evil,
    headers: [["server", evil], ["x", evil]],
    body: new TextEncoder().encode(`${evil}${"x".repeat(500)}\n${evil}`),
    hops: [{ ...FULL.hops[0]!, url: `http://site.test/${evil}` }, FULL.hops[1]!],
    tls: {
      ...FULL.tls!,
      authorized: false,
      authorizationError: evil,
      chain: [{ ...FULL.tls!.chain[0]!, subject: evil, issuer: evil, names: [evil] }],
    },
  });
  const rules = {
    response_headers: [{ name: "x", regex: "y", not_regex: null, absent: null }],
    json: [{ path: "a", equals: 1, matches: null, min: null, max: null }],
  };
  const text = await report(record, { rules }, { ...PLAIN, columns: 60 });
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.exec(text), null);
  const body = text.split("\n").find((line) => line.includes("xxxx"))!;
  assertLessOrEqual(body.length, 60);
});

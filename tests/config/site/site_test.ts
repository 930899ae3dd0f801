import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../../config/load.ts";
import { defaultSite, loadText } from "../load_text.ts";

const GOOD = fileURLToPath(new URL("../../fixtures/config/good/", import.meta.url));
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
bm90IHJlYWxseSBhIGNlcnRpZmljYXRlLCBidXQgc2hhcGVkIGxpa2Ugb25l
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
bm90IHJlYWxseSBhIGtleSwgYnV0IHNoYXBlZCBsaWtlIG9uZQ==
-----END PRIVATE KEY-----
`;

const config = loadConfig("sites.yaml", { cwd: GOOD, env: { TEST_SECRET: "s3cret" } });

function named(name: string | null) {
  const site = config.sites.find((site) => site.name === name);
  assert(site, `no site ${name}`);
  return site;
}

Deno.test("loadConfig() gives a site of which nothing is said httpmon's own settings", () => {
  const url = "https://example.com/";
  const { sites, siteDefaults } = loadText(`websites: {${url}: {}}`);
  assertEquals(sites, [defaultSite(url)]);
  assertEquals({ name: null, url, requestUrl: url, ...siteDefaults }, defaultSite(url));
});

Deno.test("loadConfig() gives a site the settings of `defaults`", () => {
  const expected = {
    ...defaultSite("https://example.com/"),
    timeoutMs: 5_000,
    request: {
      ...defaultSite("").request,
      headers: [["Accept", "text/html"], ["X-Team", "web"], ["User-Agent", "watcher/1"]],
      tls: { ca: CERTIFICATE, cert: null, key: null, serverName: null, insecure: false },
    },
    rules: {
      ...defaultSite("").rules,
      valid_status_codes: [{ from: 200, to: 299 }, { from: 301, to: 303 }, { from: 404, to: 404 }],
      not_regex: ["Fatal error"],
      max_response_time_ms: 3_000,
    },
    evidence: false,
    maintenance: [{
      kind: "once",
      from: Date.UTC(2026, 0, 31, 22),
      to: Date.UTC(2026, 1, 1, 0, 30),
    }],
  };
  const { name: _, url: __, requestUrl: ___, ...settings } = expected;
  assertEquals(named(null) as unknown, expected);
  assertEquals(config.siteDefaults as unknown, settings);
});

Deno.test("loadConfig() reads every key of a site, and a site's own replaces the default", () => {
  assertEquals(named("everything") as unknown, {
    name: "everything",
    url: "https://example.com/",
    requestUrl: "https://example.com/",
    timeoutMs: 5_000,
    frequencyMs: 60_000,
    retries: { attempts: 2, delayMs: 2_500 },
    client: "timed",
    channels: null,
    alerting: { rules: {}, dependsOn: [], slo: null },
    request: {
      method: "PUT",
      headers: [
        ["Accept", "text/html"],
        ["x-team", "api"],
        ["Authorization", "Token s3cret"],
        ["User-Agent", "other/2"],
      ],
      body: new Uint8Array([0xff, 0xfe, 0x00]),
      readBodyBytes: 3_000_000,
      followRedirects: "any",
      maxRedirects: 0,
      cookies: true,
      httpVersion: "1.1",
      ipVersion: "6",
      resolve: { "example.com": "2001:db8::1", "xn--bcher-kva.example": "192.0.2.1" },
      proxy: "http://user:s3cret@proxy.example:3128",
      reuseConnection: true,
      tls: { ca: null, cert: CERTIFICATE, key: KEY, serverName: "other.example", insecure: true },
    },
    auth: null,
    rules: {
      valid_status_codes: [{ from: 200, to: 200 }],
      regex: ["one", "two\\Z"],
      not_regex: null,
      response_headers: [
        { name: "content-type", regex: "^text/", not_regex: "xml", absent: null },
        { name: "x-powered-by", regex: null, not_regex: null, absent: true },
      ],
      json: [
        { path: "status", equals: "ok", matches: null, min: null, max: null },
        { path: '"a.b"[0]', equals: [1, { c: null }], matches: "x", min: 0.5, max: 2 },
        { path: "nothing", equals: null, matches: null, min: null, max: null },
      ],
      max_response_time_ms: 1_000,
      degraded_response_time_ms: 500,
      min_body_bytes: 1_500_000,
      max_body_bytes: 2_000_000,
      certificate_days_left: 14,
    },
    evidence: true,
    maintenance: [
      { kind: "cron", cron: "0 3 * * SUN", durationMs: 1_800_000, timeZone: "Europe/Berlin" },
      { kind: "cron", cron: "@daily", durationMs: 500, timeZone: "UTC" },
    ],
    labels: {},
    secrets: [
      { value: "s3cret", name: "${TEST_SECRET}" },
      { value: "s3cret", name: "${TEST_SECRET}" },
    ],
  });
});

Deno.test("loadConfig() takes empty maps, lists and texts as none, in place of the default", () => {
  const { request, auth, maintenance } = named("no headers, no tls, no proxy");
  assertEquals([request.tls, auth, maintenance], [null, null, []]);
  assertEquals([request.method, request.body], ["OPTIONS", new TextEncoder().encode("ü")]);
  const text = `
    defaults: {proxy: "http://p.example", body: x, method: POST}
    websites: {https://example.com/: {proxy: "", body: "", method: GET}}`;
  const [site] = loadText(text).sites;
  assertEquals([site!.request.proxy, site!.request.body], [null, null]);
});

Deno.test("loadConfig() reads each kind of credentials", () => {
  assertEquals(named("basic").auth, { kind: "basic", username: "me", password: "" });
  assertEquals(named("bearer").auth, { kind: "bearer", token: "s3cret" });
  assertEquals(named("oauth2").auth, {
    kind: "oauth2",
    token_url: "https://login.example/token",
    client_id: "me",
    client_secret: "hunter2",
    scope: "read write",
  });
});

Deno.test("loadConfig() reads where an agent stands and what it serves on", () => {
  assertEquals(config.agent.location, "eu-west");
  assertEquals(config.agent.labels, { team: "web", rack: "5" });
  assertEquals(config.agent.listen, { host: "127.0.0.1", port: 9100 });
  assertEquals(config.writer.listen, { host: "::", port: 9101 });
});

Deno.test("loadConfig() gives sites with the same tls one object, and reads its files once", () => {
  const files = { "/etc/httpmon/c.pem": CERTIFICATE, "/etc/httpmon/k.pem": KEY };
  const tls = "{tls: {cert_file: c.pem, key_file: k.pem}}";
  const text = `websites: {https://a.example/: ${tls}, https://b.example/: ${tls}}`;
  const [a, b] = loadText(text, {}, files).sites;
  assertEquals(a!.request.tls?.key, KEY);
  assertStrictEquals(a!.request.tls, b!.request.tls);
});

Deno.test("loadConfig() reads no file of sites for a mode that checks none", () => {
  const text = `
    websites: {https://a.example/: {method: POST, body_file: nowhere, tls: {ca_file: nowhere}}}
    database: {dsn: dbname=b}`;
  const [site] = loadText(text, { mode: "dbdump" }).sites;
  assertEquals([site!.request.body, site!.request.tls], [null, null]);
});

Deno.test("loadConfig() takes a file that is not there as empty where it may be absent", () => {
  const env = {};
  const config = loadConfig("nowhere.yaml", { cwd: GOOD, env, mode: "check", isOptional: true });
  assertEquals(config.sites, []);
  assertEquals(config.siteDefaults.timeoutMs, 120_000);
});

Deno.test("loadConfig() layers a site over its templates, the last one first, and the defaults", () => {
  const { sites, disabledSites } = loadText(`
    defaults: {timeout: 1, frequency: 10, headers: {A: d, D: d}, labels: {group: d, d: d}}
    templates:
      one: {timeout: 2, frequency: 20, headers: {A: one, B: one}, labels: {group: one}}
      two: {timeout: 3, headers: {A: two, Host: other.example}, method: POST, body: x}
      off: {enabled: false}
    websites:
      https://a.example/: {use: [one, two], headers: {a: own}}
      https://b.example/: {use: one, labels: {b: own}}
      https://c.example/: {use: off}
      https://d.example/: {use: off, enabled: true}`);
  assertEquals(sites.map(({ url }) => url), [
    "https://a.example/",
    "https://b.example/",
    "https://d.example/",
  ]);
  assertEquals(disabledSites.map(({ url }) => url), ["https://c.example/"]);
  const [a, b] = sites;
  assertEquals([a!.timeoutMs, a!.frequencyMs, a!.request.method], [3_000, 20_000, "POST"]);
  assertEquals(a!.request.headers, [["D", "d"], ["B", "one"], ["Host", "other.example"], [
    "a",
    "own",
  ]]);
  assertEquals(a!.labels, { group: "one", d: "d" });
  assertEquals(b!.labels, { group: "one", d: "d", b: "own" });
});

Deno.test("loadConfig() tells a site's secrets by name, its own and those that it falls back on", () => {
  const files = { "/etc/httpmon/key.txt": "file-key\n", "/etc/httpmon/body.json": '{"a": 1}' };
  const { sites } = loadText(
    `
    defaults: {headers: {X-A: "${"${A}"}"}}
    templates: {t: {body_file: body.json, method: POST}, other: {proxy: "http://${"${C}"}.example"}}
    websites:
      named: {url: "https://x.example/?k=${"${B}"}", use: t, auth: {bearer_file: key.txt}}
      https://y.example/: {timeout: "${"${N}"}"}`,
    { env: { A: "value-a", B: "value-b", C: "value-c", N: "1234" } },
    files,
  );
  const [named, other] = sites;
  assertEquals(named!.url, "https://x.example/?k=${B}");
  assertEquals(named!.requestUrl, "https://x.example/?k=value-b");
  assertEquals(named!.secrets, [
    { value: "value-b", name: "${B}" },
    { value: "file-key", name: "${key.txt}" },
    { value: '{"a": 1}', name: "${body.json}" },
    { value: "value-a", name: "${A}" },
  ]);
  assertEquals([other!.timeoutMs, other!.secrets], [1_234_000, [{
    value: "value-a",
    name: "${A}",
  }]]);
});

Deno.test("loadConfig() reads as much of a body as its rules ask for, unless it says how much", () => {
  const read = (settings: string) =>
    loadText(`websites: {https://example.com/: {${settings}}}`).sites[0]!.request.readBodyBytes;
  assertEquals(read(""), 1_048_576);
  assertEquals(read("max_body_bytes: 100"), 1_048_576);
  assertEquals(read("max_body_bytes: 2000000"), 2_000_000);
  assertEquals(read("read_body_bytes: 5000"), 5_000);
  assertEquals(read("read_body_bytes: 5000, max_body_bytes: 100"), 5_000);
});

Deno.test("loadConfig() takes proxies of HTTP, plain and over TLS, and of SOCKS 5", () => {
  for (const proxy of ["http://p:3128", "https://u:p@p.example", "socks5://[2001:db8::1]:1080/"]) {
    const { sites } = loadText(`websites: {https://example.com/: {proxy: "${proxy}"}}`);
    assertEquals(sites[0]!.request.proxy, proxy);
  }
});

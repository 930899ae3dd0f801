import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { check, type Checked } from "../../../agent/check/check.ts";
import type { HttpRecord } from "../../../agent/http/types.ts";
import { expositionOf, linesOf, PerSiteMetrics } from "../../../agent/serve/samples.ts";
import { probePage } from "../../../agent/serve/probe.ts";
import type { Site } from "../../../config/types.ts";
import { loadText } from "../../config/load_text.ts";
import { parseExposition, valueOf } from "../../support/metrics/exposition.ts";
import { checkDeps, gives, response, site } from "../support.ts";

const NEVER = new AbortController().signal;
const NOW = Date.UTC(2026, 0, 1);

const SECURE: Partial<HttpRecord> = {
  hops: [{ url: "http://a.test/", status: 301, ms: 5 }, {
    url: "https://a.test/",
    status: 200,
    ms: 60,
  }],
  ms: 65,
  phases: { dns: 1, connect: 2, tls: 3, firstByte: 4, download: 50 },
  remoteAddress: "2001:db8::1",
  headers: [["content-length", "5"], ["last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"]],
  tls: {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    authorized: true,
    authorizationError: null,
    earliestExpiry: NOW,
    chain: [{
      subject: 'CN="a"',
      issuer: "CN=b",
      names: ["DNS:a.test", "IP Address:192.0.2.1"],
      serial: "0A",
      fingerprint256: "AB:CD",
      notBefore: 0,
      notAfter: NOW,
    }],
  },
};

async function checked(record: Partial<HttpRecord>, one: Site = site()): Promise<Checked> {
  return (await check(one, NEVER, checkDeps(gives(response({ text: "hello", ...record })))))!;
}

Deno.test("linesOf() has the names and meanings of blackbox_exporter", async () => {
  const families = parseExposition(expositionOf(linesOf(await checked(SECURE))));
  const value = (name: string, labels = {}) => valueOf(families, name, labels);
  const values: [name: string, value: number][] = [
    ["probe_success", 1],
    ["probe_duration_seconds", 0.065],
    ["probe_dns_lookup_time_seconds", 0.001],
    ["probe_ip_protocol", 6],
    ["probe_failed_due_to_regex", 0],
    ["probe_http_status_code", 200],
    ["probe_http_version", 1.1],
    ["probe_http_ssl", 1],
    ["probe_http_redirects", 1],
    ["probe_http_content_length", 5],
    ["probe_http_uncompressed_body_length", 5],
    ["probe_http_last_modified_timestamp_seconds", NOW / 1_000],
    ["probe_ssl_earliest_cert_expiry", NOW / 1_000],
    ["probe_ssl_last_chain_expiry_timestamp_seconds", NOW / 1_000],
  ];
  for (const [name, expected] of values) assertEquals(value(name), expected, name);
  const phases = { resolve: 0.001, connect: 0.002, tls: 0.003, processing: 0.004, transfer: 0.05 };
  for (const [phase, expected] of Object.entries(phases)) {
    assertEquals(value("probe_http_duration_seconds", { phase }), expected);
  }
  assertEquals(families.get("probe_ssl_last_chain_info")!.samples[0]!.labels, {
    fingerprint_sha256: "abcd",
    issuer: "CN=b",
    serialnumber: "0a",
    subject: 'CN="a"',
    subjectalternative: "a.test,192.0.2.1",
  });
  assertEquals(value("probe_tls_version_info", { version: "TLS 1.3" }), 1);
});

Deno.test("linesOf() of a failure has no certificate, and the status 0", async () => {
  const error = { class: "connection_refused", message: "Connection refused" } as const;
  const failed = await checked({ status: null, httpVersion: null, error, body: new Uint8Array(0) });
  const families = parseExposition(expositionOf(linesOf(failed)));
  assertEquals(valueOf(families, "probe_success"), 0);
  assertEquals(valueOf(families, "probe_http_status_code"), 0);
  assertEquals([...families.keys()].filter((name) => /ssl_|tls/.test(name)), []);
  const wrong = await checked({}, site({ rules: { regex: ["absent"] } }));
  assertStringIncludes(expositionOf(linesOf(wrong)), "probe_failed_due_to_regex 1\n");
});

const CONFIG = loadText(
  `
  defaults: {timeout: 9}
  templates: {slow: {timeout: 50}}
  websites:
    https://own.test/: {timeout: 7}
    named: {url: https://named.test/, auth: {bearer: s3cret}, headers: {Cookie: a, Accept: b}}`,
);

/** Asks for /probe; the check gives `record`, and what was checked is kept. */
async function ask(query: string, record: Partial<HttpRecord> = {}, headers = {}) {
  const asked: Site[] = [];
  const probe = probePage({
    config: () => CONFIG,
    check: (one) => (asked.push(one), checked(record, one)),
    now: () => NOW,
  });
  const page = await probe({ query: new URLSearchParams(query), headers });
  return { ...page, asked };
}

Deno.test("probePage() answers with metrics, for a target by its own settings or the defaults", async () => {
  const { status, type, text, asked } = await ask("target=https://own.test");
  assertEquals([status, asked[0]!.timeoutMs], [200, 7_000]);
  assertStringIncludes(type, "version=0.0.4");
  assertEquals(valueOf(parseExposition(text), "probe_success"), 1);
  const other = (await ask("target=other.test:8080/x")).asked[0]!;
  assertEquals([other.requestUrl, other.timeoutMs], ["http://other.test:8080/x", 9_000]);
});

Deno.test("probePage() takes a site, a template or blackbox_exporter's own as the module", async () => {
  const moduled = async (module: string, target = "https://x.test/") =>
    (await ask(`target=${target}&module=${module}`)).asked[0]!;
  assertEquals((await moduled("slow")).timeoutMs, 50_000);
  const http2xx = await moduled("http_2xx");
  assertEquals(http2xx.rules.valid_status_codes, [{ from: 200, to: 299 }]);
  assertEquals([http2xx.timeoutMs, http2xx.request.method], [9_000, "GET"]);
  assertEquals((await moduled("http_post_2xx")).request.method, "POST");
  const own = await moduled("named", "https://named.test/other");
  assertEquals([own.requestUrl, own.auth?.kind], ["https://named.test/other", "bearer"]);
});

Deno.test("probePage() sends a site's credentials to no other origin", async () => {
  const { asked: [one] } = await ask("target=https://evil.test/&module=named");
  assertEquals([one!.auth, one!.request.headers], [null, [["Accept", "b"]]]);
});

Deno.test("probePage() keeps within the scrape's timeout, as Prometheus tells it", async () => {
  const headers = { "x-prometheus-scrape-timeout-seconds": "5" };
  const { asked } = await ask("target=https://x.test/", {}, headers);
  assertEquals(asked[0]!.timeoutMs, 4_500);
});

Deno.test("probePage() refuses what it cannot check, and shows all that was seen with debug", async () => {
  assertEquals((await ask("")).text, "Target parameter is missing\n");
  const unknown = await ask("target=https://x.test/&module=icmp");
  assertEquals([unknown.status, unknown.text], [400, 'Unknown module "icmp"\n']);
  assertEquals((await ask("target=https://me:s3cret@x.test/")).status, 400);
  const debug = await ask("target=https://x.test/&debug=true", { status: 500 });
  assertMatch(debug.text, /^https:\/\/x.test\/\nDOWN {2}status[^]*probe_success 0\n/);
});

Deno.test("probePage() is a scrape that failed where the trouble is the agent's own", async () => {
  const error = { class: "no_route", message: "This machine has no network" } as const;
  const { status, text } = await ask("target=https://x.test/", { status: null, error });
  assertEquals(status, 503);
  assert(!text.includes("probe_success"), text);
});

Deno.test("PerSiteMetrics has the last check of each site, under the site's URL as instance", async () => {
  const metrics = new PerSiteMetrics();
  const named = site({
    name: "named",
    url: "https://b.test/?k=${K}",
    secrets: [{ value: "CN=b", name: "${K}" }],
  });
  metrics.record(site(), await checked({}));
  metrics.record(named, await checked({ ...SECURE, status: 500 }));
  const families = parseExposition(await metrics.text());
  assertEquals(valueOf(families, "probe_success", { instance: "http://site.test/" }), 1);
  const labels = { instance: named.url, site: "named" };
  assertEquals(valueOf(families, "probe_http_status_code", labels), 500);
  assertStringIncludes(await metrics.text(), 'issuer="${K}"');
  metrics.keepOnly([named]);
  assert(!(await metrics.text()).includes("site.test"), await metrics.text());
  const error = { class: "no_route", message: "This machine has no network" } as const;
  metrics.record(named, await checked({ status: null, error }));
  assertEquals(await metrics.text(), "");
});

import { assertEquals, assertLess } from "@std/assert";
import type { CertificateRecord, HttpRecord } from "../../../agent/http/types.ts";
import { judge } from "../../../agent/check/judge.ts";
import { type ResultParts, toMessage } from "../../../agent/check/result.ts";
import { decode } from "../../../wire/decode.ts";
import { encode } from "../../../wire/encode.ts";
import { response, site, UUID } from "../support.ts";

const AGENT = { agentUUID: UUID, location: null, labels: {} };
const FINGERPRINT = new Array(32).fill("AB").join(":");
const TS = 1_767_225_600_000_007n;

const FULL = { error: null, inspected: true, timeoutMs: 5_000 };
const WELL = { loopDelayMs: 0, networkLost: false, resolverLost: false };

const CERTIFICATE: CertificateRecord = {
  subject: "CN=site.test",
  issuer: "CN=authority",
  names: ["DNS:site.test"],
  serial: "0A",
  fingerprint256: FINGERPRINT,
  notBefore: Date.UTC(2026, 0, 1),
  notAfter: Date.UTC(2026, 5, 1),
};

function parts(record: HttpRecord, values: Partial<ResultParts> = {}): ResultParts {
  return {
    site: site(),
    ts: TS,
    scheduledAt: TS,
    slots: 1,
    record,
    judgement: judge({ error: record.error, inspected: true, timeoutMs: 5_000 }, [], WELL),
    regexResult: null,
    isMaintenance: false,
    evidence: null,
    withChain: false,
    scrub: (text) => text.replaceAll("s3cret", "(hidden)"),
    ...values,
  };
}

Deno.test("toMessage() has the contract's fields, and no other where there is nothing to say", () => {
  const record = response({ httpVersion: null, ms: 1.23456 });
  assertEquals(toMessage(AGENT, parts(record)), {
    ts: "2026-01-01 00:00:00.000007",
    agentUUID: UUID,
    url: "http://site.test/",
    regexResult: null,
    responseCode: 200,
    responseTime: 1.235,
    errorMessage: null,
    verdict: "up",
    scheduledAt: "2026-01-01 00:00:00.000007",
    frequency: 60,
    bodyBytes: 0,
  });
});

Deno.test("toMessage() says all that is known", () => {
  const record = response({
    text: "hello",
    bodyTruncated: true,
    phases: { dns: 0.12345, connect: 1, tls: 2.0004, firstByte: 3.9996, download: 0 },
    remoteAddress: "192.0.2.1",
    hops: [
      { url: "http://site.test/?token=s3cret", status: 301, ms: 1.23456 },
      { url: "https://site.test/", status: 200, ms: 2 },
    ],
    tls: {
      protocol: "TLSv1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      chain: [CERTIFICATE],
      earliestExpiry: CERTIFICATE.notAfter,
      authorized: false,
      authorizationError: "CERT_HAS_EXPIRED",
    },
  });
  const evidence = { statusLine: "HTTP/1.1 200 OK", headers: {}, body: "hello" };
  const agent = { agentUUID: UUID, location: "eu-west", labels: { team: "web" } };
  const message = toMessage(
    agent,
    parts(record, {
      site: site({ name: "front", frequencyMs: 1_500, labels: { group: "shop" } }),
      slots: 3,
      attempts: 2,
      firstReason: "timeout",
      loopDelayMs: 5.0004,
      judgement: judge(FULL, [{
        rule: "certificate_days_left",
        ok: false,
        expected: "",
        found: "",
      }], WELL),
      regexResult: true,
      isMaintenance: true,
      evidence,
      withChain: true,
    }),
  );
  assertEquals(message, {
    ts: "2026-01-01 00:00:00.000007",
    agentUUID: UUID,
    url: "http://site.test/",
    regexResult: true,
    responseCode: 200,
    responseTime: 12.5,
    errorMessage: null,
    site: "front",
    verdict: "degraded",
    reason: "certificate_days_left",
    scheduledAt: "2026-01-01 00:00:00.000007",
    frequency: 1.5,
    slots: 3,
    attempts: 2,
    firstReason: "timeout",
    loopDelay: 5,
    siteLabels: { group: "shop" },
    phases: { dns: 0.123, connect: 1, tls: 2, firstByte: 4, download: 0 },
    bodyBytes: 5,
    bodyTruncated: true,
    remoteAddress: "192.0.2.1",
    httpVersion: "1.1",
    redirects: [{ url: "http://site.test/?token=(hidden)", status: 301, ms: 1.235 }],
    tls: {
      version: "TLSv1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      verified: false,
      error: "CERT_HAS_EXPIRED",
      expiresAt: "2026-06-01 00:00:00.000000",
      fingerprint: FINGERPRINT,
      chain: [{
        subject: "CN=site.test",
        issuer: "CN=authority",
        names: ["DNS:site.test"],
        serial: "0A",
        fingerprint: FINGERPRINT,
        notBefore: "2026-01-01 00:00:00.000000",
        notAfter: "2026-06-01 00:00:00.000000",
      }],
    },
    location: "eu-west",
    labels: { team: "web" },
    maintenance: true,
    evidence,
  });
  assertEquals(message.labels === agent.labels, false, "a fresh value");
  const decoded = decode(new TextEncoder().encode(encode(message)));
  assertEquals(decoded, { ok: true, message });
});

Deno.test("toMessage() leaves the chain out where it is not due, and keeps the fingerprint", () => {
  const tls = {
    protocol: null,
    cipher: null,
    chain: [CERTIFICATE],
    earliestExpiry: CERTIFICATE.notAfter,
    authorized: true,
    authorizationError: null,
  };
  const message = toMessage(AGENT, parts(response({ tls })));
  assertEquals(message.tls, {
    version: null,
    cipher: null,
    verified: true,
    error: null,
    expiresAt: "2026-06-01 00:00:00.000000",
    fingerprint: FINGERPRINT,
  });
});

Deno.test("toMessage() of a session that showed no certificate", () => {
  const tls = {
    protocol: "TLSv1.2",
    cipher: null,
    chain: [],
    earliestExpiry: null,
    authorized: false,
    authorizationError: "No certificate",
  };
  const { tls: info } = toMessage(AGENT, parts(response({ tls }), { withChain: false }));
  assertEquals([info!.expiresAt, info!.fingerprint, "chain" in info!], [null, null, false]);
});

Deno.test("toMessage() of a failure has no size, its class and its message without secrets", () => {
  const error = { class: "connection_reset", message: "It said s3cret\0" } as const;
  const message = toMessage(
    AGENT,
    parts(response({ status: null, httpVersion: null, error, hops: [] }), {}),
  );
  assertEquals(
    [message.errorClass, message.errorMessage, "bodyBytes" in message, "httpVersion" in message],
    ["connection_reset", "It said (hidden)\uFFFD", false, false],
  );
});

Deno.test("toMessage() can be stored, and sent, whatever a site's certificates and redirects say", () => {
  const long = "x\0\ud800".repeat(100_000);
  const wild: CertificateRecord = {
    subject: long,
    issuer: long,
    names: new Array(100).fill(long),
    serial: long,
    fingerprint256: FINGERPRINT,
    notBefore: NaN,
    notAfter: Date.UTC(12_000, 0, 1),
  };
  const hop = { url: `http://site.test/${"y".repeat(60_000)}`, status: 302, ms: 1 };
  const record = response({
    hops: new Array(100).fill(hop),
    tls: {
      protocol: "TLSv1.3",
      cipher: null,
      chain: new Array(10).fill(wild),
      earliestExpiry: wild.notAfter,
      authorized: false,
      authorizationError: long,
    },
  });
  const value = new TextEncoder().encode(
    encode(toMessage(AGENT, parts(record, { withChain: true }))),
  );
  assertLess(value.length, 300_000);
  const decoded = decode(value);
  assertEquals(decoded.ok, true, JSON.stringify(decoded).slice(0, 200));
  const { tls, redirects } = (decoded as Extract<typeof decoded, { ok: true }>).message;
  assertEquals(redirects!.length, 20);
  assertEquals(tls!.expiresAt, "9999-12-31 23:59:59.000000");
  assertEquals(tls!.chain![0]!.notBefore, "1970-01-01 00:00:00.000000");
});

import type { Certificate, ResultMessage } from "../../wire/message.ts";

/** A fingerprint that begins with `byte`. */
export function fingerprint(byte: number): string {
  const first = byte.toString(16).padStart(2, "0").toUpperCase();
  return `${first}:${Array.from({ length: 31 }, () => "5E").join(":")}`;
}

/** A certificate that `byte` tells from others. */
export function certificate(byte: number): Certificate {
  return {
    subject: `CN=${byte}.example, O=Exämple "Ltd", C=\\{1,2}`,
    issuer: "CN=Example CA",
    names: [`DNS:${byte}.example`, 'IP Address:192.0.2.1, "quoted"'],
    serial: `0A${byte}`,
    fingerprint: fingerprint(byte),
    notBefore: "2026-01-01 00:00:00.000000",
    notAfter: "2026-08-01 12:00:00.000000",
  };
}

/** A message with every field there is, each with something to lose on the way. */
export function fullMessage(): ResultMessage {
  return {
    ts: "2026-05-01 00:00:01.000123",
    agentUUID: "d2f7ad13-1c0b-4b5d-9a40-0d1f1d3c2b11",
    url: "https://one.example/p?q=ü",
    regexResult: false,
    responseCode: 503,
    responseTime: 1234.567,
    errorMessage: null,
    site: 'front "page"',
    verdict: "down",
    reason: "status",
    errorClass: "local_error",
    scheduledAt: "2026-05-01 00:00:01.000001",
    frequency: 0.5,
    slots: 3,
    attempts: 2,
    firstReason: "timeout",
    loopDelay: 12.345,
    phases: { dns: 0.001, connect: 12.345, tls: 1234.567, firstByte: 8191.999, download: 0 },
    bodyBytes: 2_000_000_000,
    bodyTruncated: true,
    remoteAddress: "2001:db8::1",
    httpVersion: "1.1",
    redirects: [
      { url: "http://one.example/", status: 301, ms: 3.25 },
      { url: 'https://one.example/"\\', status: 302, ms: 4 },
    ],
    tls: {
      version: "TLSv1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      verified: false,
      error: 'certificate "has" expired',
      expiresAt: "2026-08-01 12:00:00.000000",
      fingerprint: fingerprint(1),
      chain: [certificate(1), certificate(2)],
    },
    location: "eu-west",
    labels: { team: 'web "a"', __proto__x: "y", b: "", a: "{1,2}" },
    siteLabels: { group: "shop", tier: '"1"' },
    maintenance: true,
    evidence: {
      statusLine: "HTTP/1.1 503 Service Unavailable",
      headers: { "content-type": "text/html", server: 'a "b", {c}\\' },
      body: 'line one\nline "two" \\ {NULL} \u{1F600}\tend',
    },
  };
}

/** What the load's results tell: each field that a message may have, and sites of many kinds. */
import { createHash } from "node:crypto";
import { between, oneOf, type Random } from "./random.ts";

/** The agent of all results made here. */
export const LOAD_AGENT = "7a1f6f0e-6c1d-4f5a-9d53-3c4e1b2a9f10";

/** What a check comes to, of a hundred each. */
const OUTCOMES = [
  ...times(84, "up"),
  ...times(5, "degraded"),
  ...times(5, "bad status"),
  ...times(4, "refused"),
  ...times(2, "unknown"),
];

/**
 * A result of the site number `n`, whose kind stays: every tenth is down nearly always, every fifth
 * has a name, every third no TLS.
 *
 * @param at Microseconds since 1970
 */
export function resultOfSite(random: Random, n: number, at: number) {
  const few = () => random() < 0.05;
  const isDown = n % 10 === 7 && random() < 0.9;
  const outcome = isDown ? "bad status" : oneOf(random, OUTCOMES);
  const answered = outcome !== "refused" && outcome !== "unknown";
  return {
    ts: timestamp(at),
    agentUUID: LOAD_AGENT,
    url: `https://site-${n}.example/health`,
    regexResult: answered ? oneOf(random, [true, false, null]) : null,
    responseCode: answered ? outcome === "bad status" ? 503 : 200 : null,
    responseTime: ms(random, 1_000),
    errorMessage: answered
      ? null
      : outcome === "refused"
      ? "Connection refused"
      : "Too many open files",
    ...(n % 5 === 0 && { site: `Site ${n}` }),
    ...(outcome === "up" ? { verdict: "up" } : REASONS[outcome]),
    scheduledAt: timestamp(at - between(random, 0, 3_000_000)),
    frequency: n % 2 === 0 ? 60 : 7.5,
    ...(few() && { slots: between(random, 1, 4) }),
    ...(few() && { attempts: between(random, 1, 3), firstReason: "timeout" }),
    ...(few() && { loopDelay: ms(random, 100) }),
    location: "Oslo",
    labels: { role: "torture", rack: String(n % 3) },
    ...(n % 4 === 0 && { siteLabels: { group: `group ${n % 8}`, "ünïcode": "ß" } }),
    ...(few() && { maintenance: true }),
    ...(answered && {
      phases: {
        dns: ms(random, 10),
        connect: ms(random, 20),
        tls: n % 3 === 0 ? 0 : ms(random, 40),
        firstByte: ms(random, 500),
        download: ms(random, 100),
      },
      bodyBytes: between(random, 0, 200_000),
      bodyTruncated: few(),
      remoteAddress: n % 2 === 0 ? `192.0.2.${n}` : `2001:db8::${n.toString(16)}`,
      httpVersion: oneOf(random, ["1.1", "2"]),
      ...(few() && {
        redirects: [
          { url: `http://site-${n}.example/`, status: 301, ms: ms(random, 50) },
          { url: `https://site-${n}.example/`, status: 302, ms: ms(random, 50) },
        ],
      }),
      ...(n % 3 !== 0 && { tls: tlsOf(random, n) }),
    }),
    ...(answered && outcome !== "up" && {
      evidence: {
        statusLine: `HTTP/1.1 ${outcome === "bad status" ? "503 Service Unavailable" : "200 OK"}`,
        headers: { "content-type": "text/html", "retry-after": "120" },
        body: few() ? null : `<h1>Sorry, €${n}</h1>`,
      },
    }),
  };
}

const REASONS = {
  degraded: { verdict: "degraded", reason: "response_time" },
  "bad status": { verdict: "down", reason: "status" },
  refused: { verdict: "down", reason: "connection_refused", errorClass: "connection_refused" },
  unknown: { verdict: "unknown", reason: "local_no_files", errorClass: "local_no_files" },
};

/** As of a site behind a balancer with two certificates, of which one is in use no more. */
function tlsOf(random: Random, n: number) {
  const own = certificateOf(`site-${n}.example`, between(random, 1, 2));
  const isOver = n % 9 === 1;
  return {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    verified: !isOver,
    error: isOver ? "certificate has expired" : null,
    expiresAt: own.notAfter,
    fingerprint: own.fingerprint,
    ...(random() < 0.03 && { chain: [own, certificateOf("Root of Trust", 1)] }),
  };
}

function certificateOf(subject: string, serial: number) {
  const digest = createHash("sha256").update(`${subject} ${serial}`).digest("hex").toUpperCase();
  return {
    subject: `CN=${subject}`,
    issuer: "CN=Root of Trust",
    names: [`DNS:${subject}`, `DNS:www.${subject}`],
    serial: `0${serial}`,
    fingerprint: digest.match(/../g)!.join(":"),
    notBefore: "2026-01-01 00:00:00.000000",
    notAfter: `2036-01-0${serial} 00:00:00.000000`,
  };
}

function times<T extends string>(count: number, value: T): T[] {
  return Array(count).fill(value);
}

/** Milliseconds up to `most`, to the microsecond. */
function ms(random: Random, most: number): number {
  return Math.round(random() * most * 1000) / 1000;
}

/** "YYYY-MM-DD HH:MM:SS.ffffff" of microseconds since 1970. */
export function timestamp(microseconds: number): string {
  const iso = new Date(Math.floor(microseconds / 1000)).toISOString();
  const rest = String(microseconds % 1000).padStart(3, "0");
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${rest}`;
}

import type { Site } from "../../config/types.ts";
import { LIMITS } from "../../wire/limits.ts";
import {
  type Certificate,
  type Evidence,
  MAX_ERROR_MESSAGE,
  type Phases,
  type Redirect,
  type ResultMessage,
  type TlsInfo,
} from "../../wire/message.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { cleanLine } from "../http/text.ts";
import type { CertificateRecord, HttpRecord, TlsRecord } from "../http/types.ts";
import type { Judgement } from "./judge.ts";

/** Who checks, and where; goes into each result. */
export interface AgentIdentity {
  agentUUID: string;
  location: string | null;
  labels: Readonly<Record<string, string>>;
}

/** All that a result says. */
export interface ResultParts {
  site: Site;
  /** Microseconds since 1970. */
  ts: bigint;
  scheduledAt: bigint;
  /** The due times that it answers for. */
  slots: number;
  /** @default 1 */
  attempts?: number;
  /** Of the first of several attempts. */
  firstReason?: string | null;
  /** @default 0 */
  loopDelayMs?: number;
  record: HttpRecord;
  judgement: Judgement;
  /** @default null */
  regexResult?: boolean | null;
  isMaintenance: boolean;
  /** @default null */
  evidence?: Evidence | null;
  /** Whether the certificate chain goes along. @default false */
  withChain?: boolean;
  /** Takes secrets out of a text. */
  scrub: (text: string) => string;
}

// What a site may make long is cut, so that no result is larger than a broker takes.
const MAX_URL = 2_048;
const MAX_REDIRECTS = 20;
const MAX_NAME = 512;
/** "DNS:" and a host name of the greatest length. */
const MAX_ALTERNATIVE_NAME = 257;
/** Of a certificate but the site's own; authorities seldom have any. */
const MAX_ISSUER_NAMES = 10;
/** A shorter delay of the agent's own is not worth telling. */
const MIN_LOOP_DELAY_MS = 5;

/** The message of one check: each field where there is something to say, a fresh value each time. */
export function toMessage(agent: AgentIdentity, parts: ResultParts): ResultMessage {
  const { site, record, judgement, evidence = null, attempts = 1, loopDelayMs = 0 } = parts;
  const { location, labels } = agent;
  const { errorClass, errorMessage } = judgement;
  const redirects = redirectsOf(record, parts.scrub);
  return {
    ts: formatTimestamp(parts.ts),
    agentUUID: agent.agentUUID,
    url: site.url,
    regexResult: parts.regexResult ?? null,
    responseCode: record.status,
    responseTime: milliseconds(record.ms),
    errorMessage: errorMessage && cleanLine(parts.scrub(errorMessage), MAX_ERROR_MESSAGE),
    ...(site.name !== null && { site: site.name }),
    verdict: judgement.verdict,
    ...(judgement.reason !== null && { reason: judgement.reason }),
    ...(errorClass !== null && { errorClass }),
    scheduledAt: formatTimestamp(parts.scheduledAt),
    frequency: site.frequencyMs / 1_000,
    ...(parts.slots > 1 && { slots: parts.slots }),
    ...(attempts > 1 && { attempts, firstReason: parts.firstReason! }),
    ...(loopDelayMs > MIN_LOOP_DELAY_MS && { loopDelay: milliseconds(loopDelayMs) }),
    ...(record.phases !== null && { phases: phasesOf(record.phases) }),
    ...(record.status !== null && { bodyBytes: record.body.length }),
    ...(record.bodyTruncated && { bodyTruncated: true }),
    ...(record.remoteAddress !== null && { remoteAddress: record.remoteAddress }),
    ...(record.httpVersion !== null && { httpVersion: record.httpVersion }),
    ...(redirects.length > 0 && { redirects }),
    ...(record.tls && { tls: tlsOf(record.tls, parts.withChain ?? false) }),
    ...(location !== null && { location }),
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
    ...(Object.keys(site.labels).length > 0 && { siteLabels: { ...site.labels } }),
    ...(parts.isMaintenance && { maintenance: true }),
    ...(evidence !== null && { evidence }),
  };
}

function milliseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function phasesOf({ dns, connect, tls, firstByte, download }: Phases): Phases {
  return {
    dns: milliseconds(dns),
    connect: milliseconds(connect),
    tls: milliseconds(tls),
    firstByte: milliseconds(firstByte),
    download: milliseconds(download),
  };
}

function redirectsOf({ hops }: HttpRecord, scrub: (text: string) => string): Redirect[] {
  return hops.slice(0, -1).slice(0, MAX_REDIRECTS).flatMap(({ url, status, ms }) =>
    status === null ? [] : [{ url: cleanLine(scrub(url), MAX_URL), status, ms: milliseconds(ms) }]
  );
}

function tlsOf(tls: TlsRecord, withChain: boolean): TlsInfo {
  const [own] = tls.chain;
  return {
    version: tls.protocol,
    cipher: tls.cipher,
    verified: tls.authorized,
    error: tls.authorizationError === null ? null : cleanLine(tls.authorizationError, MAX_NAME),
    expiresAt: isMoment(tls.earliestExpiry) ? moment(tls.earliestExpiry) : null,
    fingerprint: own?.fingerprint256 ?? null,
    ...(withChain && { chain: tls.chain.slice(0, LIMITS.chain).map(certificateOf) }),
  };
}

function certificateOf(certificate: CertificateRecord, depth: number): Certificate {
  const names = certificate.names.slice(0, depth === 0 ? LIMITS.names : MAX_ISSUER_NAMES);
  return {
    subject: cleanLine(certificate.subject, MAX_NAME),
    issuer: cleanLine(certificate.issuer, MAX_NAME),
    names: names.map((name) => cleanLine(name, MAX_ALTERNATIVE_NAME)),
    serial: cleanLine(certificate.serial, MAX_NAME),
    fingerprint: certificate.fingerprint256,
    notBefore: moment(certificate.notBefore),
    notAfter: moment(certificate.notAfter),
  };
}

/** A date that nobody could read is NaN. */
function isMoment(ms: number | null): ms is number {
  return ms !== null && Number.isFinite(ms);
}

/** A certificate may hold any date; what four digits of a year cannot say is brought within them. */
const FIRST_MOMENT = Date.UTC(1000, 0);
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59);

function moment(ms: number): string {
  const known = isMoment(ms) ? ms : 0;
  return formatTimestamp(
    BigInt(Math.trunc(Math.min(Math.max(known, FIRST_MOMENT), LAST_MOMENT))) * 1_000n,
  );
}

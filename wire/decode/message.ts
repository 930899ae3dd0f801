/** What of a message is read, and how: a table of its fields. */
import { LIMITS } from "../limits.ts";
import type {
  Certificate,
  Evidence,
  Phases,
  Redirect,
  ResultMessage,
  TlsInfo,
} from "../message.ts";
import { dictionary, list, nullable, record } from "./reader.ts";
import {
  address,
  boolean,
  count,
  fingerprint,
  httpVersion,
  int4,
  milliseconds,
  nonEmpty,
  seconds,
  size,
  string,
  timestamp,
  uuid,
  verdict,
} from "./scalars.ts";

const phases = record<Phases>({
  dns: milliseconds,
  connect: milliseconds,
  tls: milliseconds,
  firstByte: milliseconds,
  download: milliseconds,
}, {});

const redirect = record<Redirect>({ url: string, status: int4, ms: milliseconds }, {});

const certificate = record<Certificate>({
  subject: string,
  issuer: string,
  names: list(string, LIMITS.names),
  serial: string,
  fingerprint,
  notBefore: timestamp,
  notAfter: timestamp,
}, {});

const tls = record<TlsInfo>({
  version: nullable(string),
  cipher: nullable(string),
  verified: boolean,
  error: nullable(string),
  expiresAt: nullable(timestamp),
  fingerprint: nullable(fingerprint),
}, {
  chain: list(certificate, LIMITS.chain),
});

const evidence = record<Evidence>({
  statusLine: nullable(string),
  headers: dictionary(nonEmpty, string, LIMITS.evidenceHeaders),
  body: nullable(string),
}, {});

export const message = record<ResultMessage>({
  ts: timestamp,
  agentUUID: uuid,
  url: nonEmpty,
  regexResult: nullable(boolean),
  responseCode: nullable(int4),
  responseTime: milliseconds,
  errorMessage: nullable(string),
}, {
  site: nonEmpty,
  verdict,
  reason: string,
  errorClass: string,
  scheduledAt: timestamp,
  frequency: seconds,
  slots: count,
  attempts: count,
  firstReason: string,
  loopDelay: milliseconds,
  phases,
  bodyBytes: size,
  bodyTruncated: boolean,
  remoteAddress: address,
  httpVersion,
  redirects: list(redirect, LIMITS.redirects),
  tls,
  location: string,
  labels: dictionary(nonEmpty, string, LIMITS.labels),
  siteLabels: dictionary(nonEmpty, string, LIMITS.labels),
  maintenance: boolean,
  evidence,
});

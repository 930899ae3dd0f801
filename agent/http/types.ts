/**
 * The HTTP client's shape: a request and a signal go in, a record comes out. Two clients have it,
 * the platform's fetch and the timed one, and one table of test cases runs against both.
 */

import { DEFAULT_REQUEST, type SiteRequest } from "../../config/site/site_request.ts";
import type { SiteTls } from "../../config/types.ts";
import type { Phases } from "../../wire/message.ts";
import type { Allowance } from "../condition/allowance.ts";
import type { HttpError } from "./errors.ts";

/**
 * What to ask for: as a site has it, or where it does not say, as one of which nothing is said. What
 * only the timed client can do, the platform's fetch gives an error of class `not_made` for rather
 * than leave it out unsaid.
 */
export interface HttpRequest extends Partial<Omit<SiteRequest, "tls">> {
  /** A string so that it goes out as written, not normalised. */
  url: string;
  tls?: TlsOptions | null;
  /** What it may take of what all exchanges share. @default as much as it wants */
  allowance?: Allowance;
}

export type TlsOptions = Partial<SiteTls>;

/** A request of which all is said. */
export type WholeRequest = HttpRequest & Omit<SiteRequest, "tls">;

export function whole(request: HttpRequest): WholeRequest {
  return { ...DEFAULT_REQUEST, ...request };
}

/** One certificate, as shown by the site. */
export interface CertificateRecord {
  /** "CN=example.org, O=...", in the order of the certificate. */
  subject: string;
  issuer: string;
  /** Subject alternative names: "DNS:example.org", "IP Address:192.0.2.1". */
  names: readonly string[];
  /** Hexadecimal, upper case. */
  serial: string;
  /** SHA-256 of the DER form, "AB:CD:...". */
  fingerprint256: string;
  /** Milliseconds since 1970. */
  notBefore: number;
  notAfter: number;
}

/** What was agreed on and shown when the last connection was made secure. */
export interface TlsRecord {
  /** "TLSv1.3" */
  protocol: string | null;
  /** "TLS_AES_128_GCM_SHA256" */
  cipher: string | null;
  /**
   * The site's own certificate first, then its issuers: up to the authority that is trusted where the
   * chain verifies, whatever else was sent beside it; otherwise as far as they are known.
   */
  chain: readonly CertificateRecord[];
  /** The first end of validity in the chain, milliseconds since 1970; null without a chain. */
  earliestExpiry: number | null;
  authorized: boolean;
  /** Why not, for a person; null when authorized. */
  authorizationError: string | null;
}

/** Status line and headers. */
export interface ResponseHead {
  status: number;
  statusText: string;
  /** "1.0", "1.1" or "2"; null where the client cannot tell. */
  httpVersion: string | null;
  /**
   * Lower-case names, in the order received, repeats kept; the platform's fetch sorts them and joins
   * repeats with ", ".
   */
  headers: readonly (readonly [name: string, value: string])[];
}

/** One request of a chain of redirects. */
export interface Hop {
  url: string;
  status: number | null;
  ms: number;
}

/** All that is known of one exchange. A target's failure is in `error`, never thrown. */
export interface HttpRecord {
  /** Status of the last response whose head came; null when none did. */
  status: number | null;
  statusText: string;
  headers: ResponseHead["headers"];
  httpVersion: string | null;
  /** Decoded (gzip, ...) body, at most `readBodyBytes`. */
  body: Uint8Array;
  /** Whether the body was longer than `readBodyBytes`. */
  bodyTruncated: boolean;
  /** Null exactly when a full response came (a cut at `readBodyBytes` counts as full). */
  error: HttpError | null;
  /** From the start to the last byte or the failure, all hops. */
  ms: number;
  hops: readonly Hop[];
  /** Of the last hop, whose `ms` they add up to; null from a client that cannot tell. */
  phases: Phases | null;
  remoteAddress: string | null;
  /** Where the last hop tried to connect to; absent where no address was known, or none needed. */
  addresses?: readonly string[];
  /** Also when verification failed. Null or absent: no TLS, or a client that cannot tell. */
  tls?: TlsRecord | null;
}

/**
 * Makes one exchange. Never rejects: what goes wrong is in the record's `error`. When `signal`
 * aborts, the exchange ends at once, its sockets closed; an abort whose reason is a `TimeoutError`
 * DOMException gives class `timeout`, any other `aborted`.
 */
export type HttpClient = (request: HttpRequest, signal: AbortSignal) => Promise<HttpRecord>;

/**
 * The HTTP client's shape: a request and a signal go in, a record comes out. Two clients have it,
 * the platform's fetch and the timed one, and one table of test cases runs against both.
 */

/** What to ask for. `url` is a string so that it goes out as written, not normalised. */
export interface HttpRequest {
  url: string;
  /** @default "GET" */
  method?: string;
  headers?: readonly (readonly [name: string, value: string])[];
  body?: Uint8Array;
  /** Decoded body bytes kept; the rest is cut and flagged. @default 1048576 */
  maxBodyBytes?: number;
  /** @default true */
  followRedirects?: boolean;
  /** @default 10 */
  maxRedirects?: number;
}

/** Why no full response came. */
export interface HttpError {
  /** A stable name out of `ERROR_CLASSES`. */
  class: ErrorClass;
  /** For a person; at most 256 characters, never a credential. */
  message: string;
}

/** One request of a chain of redirects. */
export interface Hop {
  url: string;
  status: number | null;
  ms: number;
}

/** Milliseconds of the last hop's parts, fractions kept; they add up to that hop's `ms`. */
export interface Phases {
  dns: number;
  connect: number;
  tls: number;
  firstByte: number;
  download: number;
}

/** All that is known of one exchange. A target's failure is in `error`, never thrown. */
export interface HttpRecord {
  /** Status of the last response whose head came; null when none did. */
  status: number | null;
  statusText: string;
  /** Lower-case names, in the order received, repeats kept. */
  headers: readonly (readonly [name: string, value: string])[];
  /** "1.0", "1.1" or "2"; null where the client cannot tell. */
  httpVersion: string | null;
  /** Decoded (gzip, ...) body, at most `maxBodyBytes`. */
  body: Uint8Array;
  /** Whether the body was longer than `maxBodyBytes`. */
  bodyTruncated: boolean;
  /** Null exactly when a full response came (a cut at `maxBodyBytes` counts as full). */
  error: HttpError | null;
  /** From the start to the last byte or the failure, all hops. */
  ms: number;
  hops: readonly Hop[];
  /** Null from a client that cannot tell. */
  phases: Phases | null;
  remoteAddress: string | null;
}

/**
 * Makes one exchange. Never rejects: what goes wrong is in the record's `error`. When `signal`
 * aborts, the exchange ends at once, its sockets closed; an abort whose reason is a `TimeoutError`
 * DOMException gives class `timeout`, any other `aborted`.
 */
export type HttpClient = (request: HttpRequest, signal: AbortSignal) => Promise<HttpRecord>;

/** Every class a check may end with. A class starting with `local_` is the monitor's own trouble. */
export const ERROR_CLASSES = [
  "timeout",
  "aborted",
  "dns_not_found",
  "dns_failed",
  "connection_refused",
  "connection_reset",
  "connection_timeout",
  "unreachable",
  "tls_certificate_expired",
  "tls_certificate_untrusted",
  "tls_certificate_name",
  "tls_failed",
  "too_many_redirects",
  "bad_redirect",
  "bad_http",
  "bad_chunk",
  "headers_too_large",
  "body_aborted",
  "bad_encoding",
  "connection_failed",
  "local_descriptors",
  "local_network",
  "local_resolver",
  "local_stall",
  "local_error",
] as const;

export type ErrorClass = typeof ERROR_CLASSES[number];

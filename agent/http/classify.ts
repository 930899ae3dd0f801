import { type FailureClass, type HttpError, httpError } from "./errors.ts";

/** Codes of Node and of its fetch (undici), and those that Deno's node: modules give. */
const CODES: Partial<Record<FailureClass, string>> = {
  connection_refused: "ECONNREFUSED",
  connection_reset: "ECONNRESET ECONNABORTED EPIPE",
  connection_timeout: "ETIMEDOUT UND_ERR_CONNECT_TIMEOUT",
  timeout: "UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT",
  unreachable: "EHOSTUNREACH EHOSTDOWN",
  no_route: "ENETUNREACH ENETDOWN EADDRNOTAVAIL",
  no_descriptors: "EMFILE ENFILE",
  no_memory: "ENOBUFS ENOMEM EAI_MEMORY",
  no_permission: "EPERM EACCES ERR_ACCESS_DENIED",
  resolver_silent: "EAI_AGAIN",
  dns_not_found: "ENOTFOUND EAI_NONAME ENODATA EAI_NODATA",
  dns_failed: "EAI_FAIL EAI_SYSTEM ESERVFAIL",
  tls_certificate_expired: "CERT_HAS_EXPIRED CERT_NOT_YET_VALID",
  tls_certificate_untrusted:
    "DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT " +
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE CERT_UNTRUSTED " +
    "CERT_REJECTED CERT_REVOKED CERT_SIGNATURE_FAILURE CERT_CHAIN_TOO_LONG INVALID_CA " +
    "INVALID_PURPOSE PATH_LENGTH_EXCEEDED",
  tls_certificate_name: "HOSTNAME_MISMATCH ERR_TLS_CERT_ALTNAME_INVALID",
  headers_too_large: "UND_ERR_HEADERS_OVERFLOW HPE_HEADER_OVERFLOW",
  bad_chunk: "HPE_INVALID_CHUNK_SIZE",
  bad_http: "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  bad_encoding: "Z_DATA_ERROR Z_BUF_ERROR",
};

const BY_CODE: ReadonlyMap<string, FailureClass> = new Map(
  Object.entries(CODES).flatMap(([found, codes]) =>
    codes.split(" ").map((code) => [code, found as FailureClass])
  ),
);

/**
 * Deno's fetch gives no codes, only texts; the first match counts. Its own words are from hyper,
 * rustls and async-compression, the "(os error N)" ones from libc.
 */
const BY_TEXT: readonly (readonly [RegExp, FailureClass])[] = [
  [/too many open files|no file descriptors|\(os error (23|24)\)/i, "no_descriptors"],
  [/cannot allocate memory|no buffer space|\(os error (12|105)\)/i, "no_memory"],
  [/operation not permitted|permission denied|\(os error (1|13)\)/i, "no_permission"],
  [/^Requires \w+ access/, "no_permission"],
  [/network is unreachable|network is down|\(os error (100|101)\)/i, "no_route"],
  [/cannot assign requested address|\(os error 99\)/i, "no_route"],
  [/temporary failure in name resolution/i, "resolver_silent"],
  [
    /name or service not known|nodename nor servname|no address associated with/i,
    "dns_not_found",
  ],
  [/dns error|failed to lookup address/i, "dns_failed"],
  [
    /certificate (has )?expired|certificate not valid yet|invalid peer certificate: (Expired|NotValidYet)/i,
    "tls_certificate_expired",
  ],
  [
    /certificate not valid for name|invalid peer certificate: NotValidForName/i,
    "tls_certificate_name",
  ],
  [/invalid peer certificate|UnknownIssuer/i, "tls_certificate_untrusted"],
  [/connection refused|\(os error 111\)/i, "connection_refused"],
  [/no route to host|host is down|\(os error (112|113)\)/i, "unreachable"],
  [/connection timed out|\(os error 110\)/i, "connection_timeout"],
  [
    /tls handshake eof|corrupt message|fatal alert|peer is incompatible|peer misbehaved/i,
    "tls_failed",
  ],
  [/connection reset|broken pipe|\(os error (32|103|104)\)/i, "connection_reset"],
  [
    /connection closed before message completed|other side closed|socket hang up/i,
    "connection_reset",
  ],
  [/message head is too large|headers overflow/i, "headers_too_large"],
  [/ports? .*blocked|bad port/i, "not_made"],
  [
    /invalid HTTP|invalid content-length|invalid transfer-encoding|parsed|bad response|assert\(statusCode/i,
    "bad_http",
  ],
];

/** What the reading of a body says, in both runtimes; asked first for an error of the body. */
const BODY_BY_TEXT: readonly (readonly [RegExp, FailureClass])[] = [
  [/invalid chunk|chunk size/i, "bad_chunk"],
  [/error reading a body from connection|end of file before message length/i, "body_aborted"],
  [
    /gzip|deflate|brotli|zstd|invalid header|unexpected end of file|corrupt|decompress|incorrect header check/i,
    "bad_encoding",
  ],
];

/** Deno's words around the reason; they hold the URL, which could match a pattern or be secret. */
const WRAPPING = /^error sending request (for|from) \S.*?: client error \(\w+\): /s;

/** Classes of a broken connection that, once the head has come, mean a body cut short. */
const CUT_SHORT: ReadonlySet<FailureClass> = new Set<FailureClass>([
  "connection_reset",
  "connection_failed",
  "connection_timeout",
]);

/**
 * What any thrown thing of a runtime's network code means: its causes are searched, outermost first,
 * for a code and then for a text that is known.
 *
 * @param during whether the head of the response had come when it was thrown
 */
export function classifyError(error: unknown, during: "head" | "body" = "head"): HttpError {
  const chain = causes(error);
  const detail = innermostText(chain);
  const found = classOf(chain, during);
  if (during === "body" && CUT_SHORT.has(found)) return httpError("body_aborted", detail);
  return httpError(found, detail);
}

function classOf(chain: readonly ErrorLike[], during: "head" | "body"): FailureClass {
  for (const { code, message } of chain) {
    const found = BY_CODE.get(code) ?? byPrefix(code, message);
    if (found) return found;
  }
  const tables = during === "body" ? [BODY_BY_TEXT, BY_TEXT] : [BY_TEXT];
  for (const table of tables) {
    for (const [pattern, found] of table) {
      if (chain.some(({ message }) => pattern.test(message))) return found;
    }
  }
  return "connection_failed";
}

/** Families of codes that are too many to list. */
function byPrefix(code: string, message: string): FailureClass | undefined {
  if (code.startsWith("HPE_")) return "bad_http";
  // A stream or a session of HTTP/2 that the site, or we by its rules, have ended before its time.
  if (code.startsWith("ERR_HTTP2_")) {
    return /PROTOCOL|COMPRESSION|FRAME_SIZE/.test(message) ? "bad_http" : "connection_reset";
  }
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)) return "tls_failed";
  if (code.startsWith("CERT_") || code.startsWith("CRL_")) return "tls_certificate_untrusted";
  if (/^(Z_|ERR_(_ERROR_FORMAT|BROTLI|ZSTD)|ZSTD_)/.test(code)) return "bad_encoding";
  return undefined;
}

interface ErrorLike {
  code: string;
  message: string;
}

/** The error, its causes and the parts of an AggregateError; at most eight, as causes may circle. */
function causes(error: unknown): ErrorLike[] {
  const found: ErrorLike[] = [];
  const text = (value: unknown) => typeof value === "string" ? value : "";
  const waiting: unknown[] = [error];
  while (waiting.length > 0 && found.length < 8) {
    const next = waiting.shift();
    const { code, message, cause, errors } = Object(text(next) ? { message: next } : next);
    found.push({ code: text(code), message: text(message).replace(WRAPPING, "") });
    if (cause !== undefined) waiting.push(cause);
    if (Array.isArray(errors)) waiting.push(...errors.slice(0, 8));
  }
  return found;
}

/** The deepest text there is. */
function innermostText(chain: readonly ErrorLike[]): string {
  return chain.findLast(({ message }) => message !== "")?.message ?? "";
}

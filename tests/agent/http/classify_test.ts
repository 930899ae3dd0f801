import { assertEquals } from "@std/assert";
import { classifyError } from "../../../agent/http/classify.ts";
import type { FailureClass } from "../../../agent/http/errors.ts";

/** As Node's fetch throws: the reason is the cause, with a code. */
function nodeFetchError(code: string, message = code): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) });
}

/** As Deno's fetch throws: the reason is a text within a text. */
function denoFetchError(text: string): Error {
  const message = `error sending request for url (https://example.org/parsed/redirect): ${text}`;
  return new TypeError("fetch failed", { cause: new Error(message) });
}

const BY_CODE: Readonly<Record<string, FailureClass>> = {
  ECONNREFUSED: "connection_refused",
  ECONNRESET: "connection_reset",
  EPIPE: "connection_reset",
  ETIMEDOUT: "connection_timeout",
  UND_ERR_CONNECT_TIMEOUT: "connection_timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "no_route",
  EADDRNOTAVAIL: "no_route",
  ENOMEM: "no_memory",
  ENOBUFS: "no_memory",
  EPERM: "no_permission",
  EACCES: "no_permission",
  EMFILE: "no_descriptors",
  ENFILE: "no_descriptors",
  EAI_AGAIN: "resolver_silent",
  ENOTFOUND: "dns_not_found",
  EAI_FAIL: "dns_failed",
  CERT_HAS_EXPIRED: "tls_certificate_expired",
  CERT_NOT_YET_VALID: "tls_certificate_expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls_certificate_untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls_certificate_untrusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "tls_certificate_name",
  ERR_SSL_WRONG_VERSION_NUMBER: "tls_failed",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "tls_failed",
  EPROTO: "tls_failed",
  UND_ERR_HEADERS_OVERFLOW: "headers_too_large",
  HPE_INVALID_CONSTANT: "bad_http",
  HPE_INVALID_CHUNK_SIZE: "bad_chunk",
  Z_DATA_ERROR: "bad_encoding",
  ERR__ERROR_FORMAT_PADDING_1: "bad_encoding",
  EUNHEARDOF: "connection_failed",
};

const BY_DENO_TEXT: Readonly<Record<string, FailureClass>> = {
  "client error (Connect): tcp connect error: Connection refused (os error 111)":
    "connection_refused",
  "client error (Connect): tcp connect error: No route to host (os error 113)": "unreachable",
  "client error (Connect): tcp connect error: Network is unreachable (os error 101)": "no_route",
  "client error (Connect): tcp connect error: Cannot assign requested address (os error 99)":
    "no_route",
  "client error (Connect): tcp connect error: Connection timed out (os error 110)":
    "connection_timeout",
  "client error (Connect): tcp open error: Too many open files (os error 24)": "no_descriptors",
  "client error (Connect): dns error: Too many open files (os error 24)": "no_descriptors",
  "client error (Connect): dns error: failed to lookup address information: Name or service not known":
    "dns_not_found",
  "client error (Connect): dns error: failed to lookup address information: No address associated with hostname":
    "dns_not_found",
  "client error (Connect): dns error: failed to lookup address information: Temporary failure in name resolution":
    "resolver_silent",
  "client error (Connect): dns error: failed to lookup address information: Non-recoverable failure in name resolution":
    "dns_failed",
  "client error (Connect): invalid peer certificate: certificate expired: verification time 1795369822 (UNIX), but certificate is not valid after 1795283421 (86401 seconds ago)":
    "tls_certificate_expired",
  "client error (Connect): invalid peer certificate: certificate not valid yet: verification time 1795369822 (UNIX), but certificate is not valid before 1795456221":
    "tls_certificate_expired",
  "client error (Connect): invalid peer certificate: Expired": "tls_certificate_expired",
  'client error (Connect): invalid peer certificate: certificate not valid for name "127.0.0.1"; certificate is only valid for DnsName("other.test")':
    "tls_certificate_name",
  "client error (Connect): invalid peer certificate: NotValidForName": "tls_certificate_name",
  "client error (Connect): invalid peer certificate: UnknownIssuer": "tls_certificate_untrusted",
  "client error (Connect): invalid peer certificate: BadSignature": "tls_certificate_untrusted",
  "client error (Connect): received corrupt message of type InvalidContentType": "tls_failed",
  "client error (Connect): received fatal alert: HandshakeFailure": "tls_failed",
  "client error (Connect): tls handshake eof": "tls_failed",
  "client error (Connect): Connection reset by peer (os error 104)": "connection_reset",
  "client error (SendRequest): connection closed before message completed": "connection_reset",
  "client error (SendRequest): invalid HTTP version parsed": "bad_http",
  "client error (SendRequest): invalid content-length parsed": "bad_http",
  "client error (SendRequest): message head is too large": "headers_too_large",
  "client error (SendRequest): something nobody has seen": "connection_failed",
};

Deno.test("classifyError() knows the codes of Node's fetch and sockets", () => {
  for (const [code, expected] of Object.entries(BY_CODE)) {
    assertEquals(classifyError(nodeFetchError(code)).class, expected, code);
    const bare = Object.assign(new Error(code), { code });
    assertEquals(classifyError(bare).class, expected, code);
  }
});

Deno.test("classifyError() knows the texts of Deno's fetch", () => {
  for (const [text, expected] of Object.entries(BY_DENO_TEXT)) {
    assertEquals(classifyError(denoFetchError(text)).class, expected, text);
  }
});

Deno.test("classifyError() looks into an AggregateError", () => {
  const part = Object.assign(new Error("connect ECONNREFUSED ::1:80"), { code: "ECONNREFUSED" });
  assertEquals(classifyError(new AggregateError([part, part])).class, "connection_refused");
});

Deno.test("classifyError() takes a broken connection within the body for a body cut short", () => {
  const reset = new TypeError("terminated", {
    cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }),
  });
  assertEquals(classifyError(reset, "body").class, "body_aborted");
  assertEquals(classifyError(reset, "head").class, "connection_reset");
  const deno = new TypeError("error reading a body from connection");
  assertEquals(classifyError(deno, "body").class, "body_aborted");
  assertEquals(
    classifyError(new TypeError("unexpected end of file"), "body").class,
    "bad_encoding",
  );
});

Deno.test("classifyError() tells no URL, however the runtime words it", () => {
  const deno = denoFetchError("client error (Connect): tls handshake eof");
  assertEquals(classifyError(deno).message, "TLS could not be set up: tls handshake eof");
  const other = new Error("Failed at https://example.org/?token=secret today");
  assertEquals(classifyError(other).message, "The connection failed: Failed at the URL today");
});

Deno.test("classifyError() ends for causes in a circle, and takes anything thrown", () => {
  const circle = new Error("round");
  circle.cause = circle;
  assertEquals(classifyError(circle).class, "connection_failed");
  for (const thrown of [null, undefined, 7, {}, "Connection refused"]) {
    const expected = typeof thrown === "string" ? "connection_refused" : "connection_failed";
    assertEquals(classifyError(thrown).class, expected);
  }
});

Deno.test("classifyError() keeps messages within 256 characters, whole ones", () => {
  const { message } = classifyError(new Error("💥".repeat(300)));
  assertEquals(message.length <= 256, true);
  assertEquals(message.isWellFormed(), true);
  assertEquals(message.endsWith("…"), true);
});

import { cleanLine } from "./text.ts";

/** The most characters an error's message may have: what `errorMessage` on the wire may have. */
const MAX_MESSAGE = 256;

/** What may go wrong with an exchange, in words for a person that blame nobody. */
const TITLES = {
  timeout: "No full response in the time allowed",
  aborted: "Stopped before the end",
  dns_not_found: "The host name does not exist",
  dns_failed: "The host name could not be resolved",
  connection_refused: "Connection refused",
  connection_reset: "Connection closed before a response",
  connection_timeout: "No answer to the attempt to connect",
  unreachable: "The host cannot be reached",
  tls_certificate_expired: "The certificate is not valid at this time",
  tls_certificate_untrusted: "The certificate is not trusted",
  tls_certificate_name: "The certificate is for another name",
  tls_failed: "TLS could not be set up",
  too_many_redirects: "Too many redirects",
  bad_redirect: "A redirect that cannot be followed",
  redirect_denied: "A redirect to where none may lead",
  bad_http: "The answer is not HTTP",
  bad_chunk: "A chunk of the body is malformed",
  headers_too_large: "The headers are too large",
  body_aborted: "The body ended early",
  bad_encoding: "The body is not encoded as it says",
  connection_failed: "The connection failed",
  resolver_silent: "This machine's resolver does not answer",
  no_route: "This machine has no route or port to connect from",
  no_descriptors: "This machine is out of descriptors",
  no_memory: "This machine is out of memory",
  no_permission: "This machine does not permit it",
  no_token: "No access token could be had",
  not_made: "This agent could not make the request",
} as const;

export type FailureClass = keyof typeof TITLES;

/** Every one. */
export const FAILURES = Object.keys(TITLES) as readonly FailureClass[];

/** Why no full response came: what was seen. Whose fault it was is for `judge` alone to say. */
export interface HttpError {
  class: FailureClass;
  /** For a person; at most 256 characters, never a credential. */
  message: string;
  /** True where it was the proxy that could not be reached, or would not serve us. */
  atProxy?: boolean;
  /** True for a timeout while the name was looked up. */
  atLookup?: boolean;
}

/** An error value; its message is the class's title, then what is known in detail. */
export function httpError(errorClass: FailureClass, detail = ""): HttpError {
  const clean = tidy(detail);
  const title = TITLES[errorClass];
  return {
    class: errorClass,
    message: cleanLine(clean === "" ? title : `${title}: ${clean}`, MAX_MESSAGE),
  };
}

/** The error value for a signal that has aborted, by its reason; `where` says what was under way. */
export function abortError(signal: AbortSignal, where = ""): HttpError {
  const reason: unknown = signal.reason;
  const timedOut = reason instanceof DOMException && reason.name === "TimeoutError";
  return httpError(timedOut ? "timeout" : "aborted", where);
}

/** One line, without control characters and without the URLs that may hold a token. */
function tidy(text: string): string {
  return text
    .replace(/\bhttps?:\/\/\S+/gi, "the URL")
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x20\x7f]+/g, " ")
    .trim();
}

/** Ends an exchange from within; what is recorded of it is `error`. Never leaves this folder. */
export class ExchangeFailure extends Error {
  override name = "ExchangeFailure";
  readonly error: HttpError;

  constructor(error: HttpError) {
    super(error.message);
    this.error = error;
  }
}

/** An ExchangeFailure of this class. */
export function failure(failureClass: FailureClass, detail = ""): ExchangeFailure {
  return new ExchangeFailure(httpError(failureClass, detail));
}

/** A failure of the proxy's, or on the way to it. */
export function atProxy({ class: failureClass, message }: HttpError): ExchangeFailure {
  return new ExchangeFailure({
    class: failureClass,
    message: cleanLine(`proxy: ${message}`, MAX_MESSAGE),
    atProxy: true,
  });
}

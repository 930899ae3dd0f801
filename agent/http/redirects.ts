import { httpError } from "./errors.ts";
import type { HttpError, HttpRequest, TlsOptions } from "./types.ts";

/** The most redirects that are followed when the request does not say. */
export const DEFAULT_MAX_REDIRECTS = 10;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * The headers of the caller that another origin may see. Any other may be a credential, whatever its
 * name ("x-api-key"), so all others stay with the origin that they were written for.
 */
const HARMLESS_ELSEWHERE: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "accept-encoding",
  "cache-control",
  "content-type",
  "pragma",
  "user-agent",
]);

/** Whether a response with this status and Location is to be followed rather than reported. */
export function isRedirect(status: number, location: string | null): boolean {
  return REDIRECTS.has(status) && location !== null;
}

/**
 * The request that a redirect asks for, by the rules of the Fetch standard (HTTP-redirect fetch,
 * steps 5 to 18): 303 turns into GET, so do 301 and 302 for a POST, 307 and 308 repeat the request.
 * Towards another origin go no credentials: only harmless headers, no client certificate, no body
 * (unless it is the same host by https).
 *
 * @param followed how many redirects were followed before this one
 */
export function redirectedRequest(
  request: HttpRequest,
  status: number,
  location: string,
  followed: number,
): { request: HttpRequest } | { error: HttpError } {
  const max = request.maxRedirects ?? DEFAULT_MAX_REDIRECTS;
  if (followed >= max) {
    return { error: httpError("too_many_redirects", `${followed} followed, then another one`) };
  }
  const from = new URL(request.url);
  const to = URL.parse(location, from.href);
  if (to === null) return { error: httpError("bad_redirect", "Location is not a URL") };
  if (to.protocol !== "http:" && to.protocol !== "https:") {
    const error = httpError(
      "bad_redirect",
      `Location has the scheme "${to.protocol.slice(0, -1)}"`,
    );
    return { error };
  }
  // Credentials that a site writes into its Location would end up in records and logs.
  to.username = "";
  to.password = "";
  if (to.hash === "") to.hash = from.hash;

  const method = (request.method ?? "GET").toUpperCase();
  const toGet = status === 303
    ? method !== "GET" && method !== "HEAD"
    : (status === 301 || status === 302) && method === "POST";
  const next: HttpRequest = { ...request, url: to.href };
  if (toGet) {
    next.method = "GET";
    delete next.body;
    next.headers = withoutContentHeaders(next.headers);
  }
  if (to.origin === from.origin) return { request: next };

  const upgraded = to.protocol === "https:" && to.hostname === from.hostname;
  if (next.body !== undefined && !upgraded) {
    const error = httpError("bad_redirect", "It would send the request's body to another origin");
    return { error };
  }
  next.headers = next.headers?.filter(([name]) => HARMLESS_ELSEWHERE.has(name.toLowerCase()));
  if (next.tls) next.tls = withoutClientCertificate(next.tls);
  return { request: next };
}

function withoutContentHeaders(headers: HttpRequest["headers"]): HttpRequest["headers"] {
  return headers?.filter(([name]) => !/^content-/i.test(name));
}

/** The server name goes too: it was meant for the first host. */
function withoutClientCertificate({ ca, insecure }: TlsOptions): TlsOptions {
  return { ca, insecure };
}

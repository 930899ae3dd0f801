import { Buffer } from "node:buffer";
import type { Clock } from "../../runtime/clock.ts";
import { CookieJar } from "./cookies.ts";
import { type HttpError, httpError } from "./errors.ts";
import type { Before } from "./networks.ts";
import {
  type Hop,
  type HttpRecord,
  type HttpRequest,
  type ResponseHead,
  type TlsOptions,
  whole,
  type WholeRequest,
} from "./types.ts";

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

/** What one request brought, also when it failed; phases and what follows are the record's. */
export interface HopOutcome
  extends
    Pick<HttpRecord, "body" | "error" | "ms" | "phases" | "remoteAddress" | "addresses" | "tls"> {
  head: ResponseHead | null;
  bodyTruncated: boolean;
  /** Whether it was a public address that answered. */
  isPublic: boolean;
}

/**
 * Makes an exchange hop by hop, so that each is seen and all clients keep to the same rules.
 *
 * @param makeHop Makes one request; never rejects
 */
export async function followRedirects(
  first: HttpRequest,
  clock: Clock,
  makeHop: (request: WholeRequest, before: Before) => Promise<HopOutcome>,
): Promise<HttpRecord> {
  const jar = first.cookies ? new CookieJar() : null;
  const hops: Hop[] = [];
  let head: ResponseHead | null = null;
  let ms = 0;
  let before: Before = { isRedirect: false, wasPublic: false };
  for (let request = whole(first);;) {
    const outcome = await makeHop(jar?.addTo(request) ?? request, before);
    head = outcome.head ?? head;
    ms += outcome.ms;
    hops.push({ url: request.url, status: outcome.head?.status ?? null, ms: outcome.ms });
    const location = outcome.error || !head ? null : redirectOf(request, head);
    if (location === null) return record(outcome, head, hops, ms);
    jar?.store(request.url, head!.headers, clock.now());
    const next = redirectedRequest(request, head!.status, utf8(location), hops.length - 1);
    if ("class" in next) return record({ ...outcome, error: next }, head, hops, ms);
    const wasPublic = outcome.isPublic && request.followRedirects !== "any";
    before = { isRedirect: true, wasPublic };
    request = next;
  }
}

function record(
  { isPublic: _, head: __, ...last }: HopOutcome,
  head: ResponseHead | null,
  hops: Hop[],
  ms: number,
): HttpRecord {
  return {
    ...(head ?? { status: null, statusText: "", headers: [], httpVersion: null }),
    ...last,
    ms,
    hops,
  };
}

/** Where a response leads to, if it is a redirect that is to be followed; in latin1 as it came. */
export function redirectOf(
  request: WholeRequest,
  { status, headers }: ResponseHead,
): string | null {
  if (request.followRedirects === false || !REDIRECTS.has(status)) return null;
  return headers.find(([name]) => name === "location")?.[1] ?? null;
}

/** Headers come as latin1; a Location beyond ASCII is meant as UTF-8, as browsers take it. */
function utf8(location: string): string {
  const decoded = Buffer.from(location, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? location : decoded;
}

/**
 * The request that a redirect asks for, by the rules of the Fetch standard (HTTP-redirect fetch,
 * steps 5 to 18): 303 turns into GET, so do 301 and 302 for a POST, 307 and 308 repeat the request.
 * Towards another origin go no credentials: only harmless headers, no client certificate, no body.
 * The same host by https, after http, is none other.
 *
 * @param followed how many redirects were followed before this one
 */
export function redirectedRequest(
  request: WholeRequest,
  status: number,
  location: string,
  followed: number,
): WholeRequest | HttpError {
  if (followed >= request.maxRedirects) {
    return httpError("too_many_redirects", `${followed} followed, then another one`);
  }
  const from = new URL(request.url);
  const to = URL.parse(location, from.href);
  if (to === null) return httpError("bad_redirect", "Location is not a URL");
  if (to.protocol !== "http:" && to.protocol !== "https:") {
    return httpError("bad_redirect", `Location has the scheme "${to.protocol.slice(0, -1)}"`);
  }
  // Credentials that a site writes into its Location would end up in records and logs.
  to.username = "";
  to.password = "";
  if (to.hash === "") to.hash = from.hash;

  const method = request.method.toUpperCase();
  const toGet = status === 303
    ? method !== "GET" && method !== "HEAD"
    : (status === 301 || status === 302) && method === "POST";
  const next = { ...request, url: to.href };
  if (toGet) {
    next.method = "GET";
    next.body = null;
    next.headers = next.headers.filter(([name]) => !/^content-/i.test(name));
  }
  const isUpgrade = from.protocol === "http:" && to.protocol === "https:" &&
    to.hostname === from.hostname;
  if (to.origin === from.origin || isUpgrade) return next;
  if (next.body) {
    return httpError("bad_redirect", "It would send the request's body to another origin");
  }
  next.headers = next.headers.filter(([name]) => HARMLESS_ELSEWHERE.has(name.toLowerCase()));
  if (next.tls) next.tls = withoutClientCertificate(next.tls);
  return next;
}

/** The server name goes too: it was meant for the first host. */
function withoutClientCertificate({ ca, insecure }: TlsOptions): TlsOptions {
  return { ca, insecure };
}

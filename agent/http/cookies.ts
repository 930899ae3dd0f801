import { isIP } from "node:net";
import type { ResponseHead, WholeRequest } from "./types.ts";

/** As few as a browser keeps for a site; a longer one is left out, as browsers do. */
const MAX_COOKIES = 50;
const MAX_LENGTH = 4096;

interface Cookie {
  name: string;
  value: string;
  domain: string;
  /** Whether only the very host may see it. */
  isHostOnly: boolean;
  path: string;
  isSecure: boolean;
}

/** The cookies of one check, by RFC 6265. They stay to its end, but for those set only to be deleted. */
export class CookieJar {
  #cookies: Cookie[] = [];

  /** Keeps what a response from `url` sets. @param now Wall clock, milliseconds since 1970 */
  store(url: string, headers: ResponseHead["headers"], now: number): void {
    for (const [name, line] of headers) {
      if (name === "set-cookie" && line.length <= MAX_LENGTH) this.#set(new URL(url), line, now);
    }
  }

  /** The request with the cookies that its URL may see, behind those that it has. */
  addTo(request: WholeRequest): WholeRequest {
    const url = new URL(request.url);
    const own = this.#cookies.filter((cookie) => isFor(cookie, url))
      .toSorted((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`);
    if (own.length === 0) return request;
    const isCookie = ([name]: readonly [string, string]) => name.toLowerCase() === "cookie";
    const given = request.headers.filter(isCookie).map(([, value]) => value);
    const cookie = ["Cookie", [...given, ...own].join("; ")] as const;
    const others = request.headers.filter((header) => !isCookie(header));
    return { ...request, headers: [...others, cookie] };
  }

  #set(url: URL, line: string, now: number): void {
    const [pair = "", ...rest] = line.split(";");
    const at = pair.indexOf("=");
    const name = pair.slice(0, at).trim();
    if (at < 1 || name === "") return;
    const attributes = new Map(rest.map((attribute) => {
      const [key, ...value] = attribute.split("=");
      return [key!.trim().toLowerCase(), value.join("=").trim()];
    }));
    const domain = attributes.get("domain")?.replace(/^\./, "").toLowerCase() || url.hostname;
    if (!isWithin(url.hostname, domain)) return;
    const path = attributes.get("path");
    const cookie: Cookie = {
      name,
      value: pair.slice(at + 1).trim(),
      domain,
      isHostOnly: !attributes.get("domain"),
      path: path?.startsWith("/") ? path : url.pathname.replace(/\/[^/]*$/, "") || "/",
      isSecure: attributes.has("secure"),
    };
    this.#cookies = this.#cookies.filter((other) =>
      other.name !== name || other.domain !== cookie.domain || other.path !== cookie.path
    );
    if (!isOver(attributes, now) && this.#cookies.length < MAX_COOKIES) this.#cookies.push(cookie);
  }
}

function isFor({ domain, isHostOnly, path, isSecure }: Cookie, url: URL): boolean {
  if (isSecure && url.protocol !== "https:") return false;
  if (isHostOnly ? url.hostname !== domain : !isWithin(url.hostname, domain)) return false;
  const { pathname } = url;
  return pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && isIP(host) === 0);
}

/** Whether a cookie is set only to delete it. */
function isOver(attributes: ReadonlyMap<string, string>, now: number): boolean {
  const age = attributes.get("max-age");
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age) <= 0;
  return Date.parse(attributes.get("expires") ?? "") <= now;
}

import { isIP } from "node:net";
import { bareHost } from "../../runtime/host_port.ts";
import { failure } from "./errors.ts";

/** Where a request goes and what it names. */
export interface Target {
  secure: boolean;
  /** For the resolver, the certificate and SNI: lower case, punycode, no brackets. */
  host: string;
  /** 0 for a name, 4 or 6 for an address. */
  family: number;
  port: number;
  /** For the Host header: as written. */
  authority: string;
  /** Path and query as written, percent-encoded where HTTP would not carry it. */
  path: string;
}

/** Scheme, authority, and all up to the fragment. */
const PARTS = /^https?:\/\/([^/?#\\]*)([^#]*)/i;

/**
 * Takes a URL apart. URL() says where to go; what is sent is taken from the text as written, as URL()
 * would lower the host's case, drop ":80", and turn "/a/../b" into "/b".
 *
 * @throws ExchangeFailure `not_made` for what is not an http or https URL
 */
export function parseTarget(text: string): Target {
  const url = URL.parse(text);
  if (url === null) throw failure("not_made", "The URL is not valid");
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") {
    throw failure("not_made", `The URL has the scheme "${url.protocol.slice(0, -1)}"`);
  }
  const host = bareHost(url.hostname);
  const written = PARTS.exec(text.trim());
  const authority = written?.[1]?.replace(/^.*@/s, "") ?? "";
  return {
    secure,
    host,
    family: isIP(host),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    authority: isPrintable(authority) ? authority : url.host,
    path: writtenPath(written?.[2]) ?? `${url.pathname}${url.search}`,
  };
}

function writtenPath(rest: string | undefined): string | null {
  if (rest === undefined || rest.includes("\\")) return null;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return isPrintable(path) ? path : path.replace(/[^\x21-\x7e]+/g, percentEncode);
}

/** Whether the text is what a request line and a header can carry as it is. */
function isPrintable(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

function percentEncode(text: string): string {
  // Half of a surrogate pair has no encoding; encodeURIComponent would throw.
  return encodeURIComponent(text.toWellFormed());
}

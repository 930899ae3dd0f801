import { Buffer } from "node:buffer";
import { HTTP_TOKEN } from "../../../config/fields.ts";
import { VERSION } from "../../../runtime/cli/version.ts";
import { failure } from "../errors.ts";
import type { Target } from "../target.ts";
import type { WholeRequest } from "../types.ts";
import { ACCEPT_ENCODING } from "./read/decode.ts";

/** What every request says that does not say another. */
export const USER_AGENT = `httpmon/${VERSION}`;

/** What HTTP/2 has no place for: it has frames (RFC 9113, 8.2.2), and ":authority" for the host. */
const ONLY_HTTP1: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

type Headers = WholeRequest["headers"];

/**
 * The request as it goes over the wire of HTTP/1 (a string as UTF-8), body included.
 *
 * @param proxied For a proxy that is to forward the request: the URL goes out whole (RFC 9112, 3.2.2),
 * with what the proxy asks for
 * @throws ExchangeFailure `not_made` for a method or header that would break the request's form
 */
export function encodeRequest(
  request: WholeRequest,
  target: Target,
  proxied: { authorization: string | null } | null = null,
): Buffer | string {
  const { headers } = request;
  const place = proxied ? `http://${target.authority}${target.path}` : target.path;
  let head = `${methodOf(request)} ${place} HTTP/1.1\r\n`;
  if (!has(headers, "host")) head += `Host: ${target.authority}\r\n`;
  if (!has(headers, "connection")) {
    head += request.reuseConnection ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  }
  if (proxied?.authorization) head += headerLine("Proxy-Authorization", proxied.authorization);
  for (const [name, value] of withDefaults(request)) head += headerLine(name, value);
  head += "\r\n";
  return request.body ? Buffer.concat([Buffer.from(head), request.body]) : head;
}

/** The request's head as HTTP/2 has it (RFC 9113, 8.3.1). @throws as encodeRequest() */
export function http2Headers(
  request: WholeRequest,
  target: Target,
): Record<string, string | string[]> {
  const host = request.headers.find(([name]) => name.toLowerCase() === "host")?.[1];
  const headers: Record<string, string | string[]> = {
    ":method": methodOf(request),
    ":scheme": "https",
    ":authority": host ?? target.authority,
    ":path": target.path,
  };
  for (const [name, value] of withDefaults(request)) {
    headerLine(name, value);
    const key = name.toLowerCase();
    if (ONLY_HTTP1.has(key)) continue;
    const before = headers[key];
    headers[key] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

/** The caller's headers, which replace the defaults of the same name. */
function withDefaults({ method, headers: given, body }: WholeRequest): [string, string][] {
  const headers: [string, string][] = [];
  if (!has(given, "user-agent")) headers.push(["User-Agent", USER_AGENT]);
  if (!has(given, "accept")) headers.push(["Accept", "*/*"]);
  if (!has(given, "accept-encoding")) headers.push(["Accept-Encoding", ACCEPT_ENCODING]);
  for (const [name, value] of given) headers.push([name, value]);
  const needsLength = body || method === "POST" || method === "PUT";
  if (needsLength && !has(given, "content-length") && !has(given, "transfer-encoding")) {
    headers.push(["Content-Length", String(body?.length ?? 0)]);
  }
  return headers;
}

function methodOf({ method }: WholeRequest): string {
  if (!HTTP_TOKEN.test(method)) throw failure("not_made", "The method is not an HTTP token");
  return method;
}

/** @throws ExchangeFailure `not_made` for what is no header */
function headerLine(name: string, value: string): string {
  if (!HTTP_TOKEN.test(name)) throw failure("not_made", `"${name}" is not a header's name`);
  if (/[\r\n\0]/.test(value)) {
    throw failure("not_made", `The header "${name}" has a line break or NUL in its value`);
  }
  return `${name}: ${value}\r\n`;
}

function has(headers: Headers, name: string): boolean {
  for (const [given] of headers) if (given.toLowerCase() === name) return true;
  return false;
}

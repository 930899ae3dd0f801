import { Buffer } from "node:buffer";
import type { HttpRequest } from "../types.ts";
import { failure } from "./failure.ts";
import type { Target } from "./target.ts";

/** RFC 9110, 5.6.2: a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What every request of a client has. */
export interface RequestDefaults {
  userAgent: string;
  /** The encodings that this runtime decodes. */
  acceptEncoding: string;
}

/**
 * The request as it goes over the wire (a string as UTF-8), body included. The caller's headers replace the defaults of
 * the same name.
 *
 * @throws ExchangeFailure `not_made` for a method or header that would break the request's form
 */
export function encodeRequest(
  request: HttpRequest,
  target: Target,
  defaults: RequestDefaults,
): Buffer | string {
  const method = request.method ?? "GET";
  if (!TOKEN.test(method)) throw failure("not_made", "The method is not an HTTP token");
  const headers = request.headers ?? [];
  let head = `${method} ${target.path} HTTP/1.1\r\n`;
  if (!has(headers, "host")) head += `Host: ${target.authority}\r\n`;
  if (!has(headers, "user-agent")) head += `User-Agent: ${defaults.userAgent}\r\n`;
  if (!has(headers, "accept")) head += "Accept: */*\r\n";
  if (!has(headers, "accept-encoding")) head += `Accept-Encoding: ${defaults.acceptEncoding}\r\n`;
  if (!has(headers, "connection")) {
    head += request.reuseConnection ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  }
  for (const [name, value] of headers) head += headerLine(name, value);
  const body = request.body;
  const needsLength = body !== undefined || method === "POST" || method === "PUT";
  if (needsLength && !has(headers, "content-length") && !has(headers, "transfer-encoding")) {
    head += `Content-Length: ${body?.length ?? 0}\r\n`;
  }
  head += "\r\n";
  return body === undefined ? head : Buffer.concat([Buffer.from(head), body]);
}

/** @throws ExchangeFailure `not_made` for what is no header */
export function headerLine(name: string, value: string): string {
  if (!TOKEN.test(name)) throw failure("not_made", `"${name}" is not a header's name`);
  if (/[\r\n\0]/.test(value)) {
    throw failure("not_made", `The header "${name}" has a line break or NUL in its value`);
  }
  return `${name}: ${value}\r\n`;
}

function has(headers: NonNullable<HttpRequest["headers"]>, name: string): boolean {
  for (const [given] of headers) if (given.toLowerCase() === name) return true;
  return false;
}

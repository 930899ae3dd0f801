import { isIP } from "node:net";
import { z } from "zod";
import { bytesRead, MAX_BODY_BYTES } from "../../agent/rules/body_size.ts";
import { anyCase, flag, onOff, optional, optionalSection, text, whole } from "../fields.ts";
import { type Header, isHeaderValue, isToken, mergeHeaders, requestHeaders } from "./headers.ts";
import { named } from "../say/named.ts";
import type { SiteRequest } from "../types.ts";

const METHOD = "a method of HTTP, other than CONNECT and TRACE";
const COMMON_METHOD = /^(?:get|head|post|put|patch|delete|options)$/i;
const BODY = 'a text (JSON in quotes, or in a block after "|")';
const USER_AGENT = "a text in ASCII, on one line";
const HOST = "a host name, without scheme, port and path";
const ADDRESS = 'an IP address ("192.0.2.1", "2001:db8::1")';
const PROXY = 'the URL of a proxy ("http://proxy.example:3128", or https:// or socks5://, with ' +
  'user:password@ if need be), or "" for none';
const SERVER_NAME = "a host name";
const PEM_FILE = "a path of a PEM file";

/** The keys of a site that say how it is asked. */
export const requestKeys = {
  client: optional(anyCase("timed", "fetch")),
  method: optional(
    z.string({ error: METHOD }).refine(
      (method) => isToken(method) && !/^(?:connect|trace|track)$/i.test(method),
      { error: METHOD },
    ),
  ),
  headers: optional(requestHeaders()),
  user_agent: optional(
    z.string({ error: USER_AGENT }).min(1, { error: USER_AGENT }).refine(isHeaderValue, {
      error: USER_AGENT,
    }),
  ),
  body: optional(z.string({ error: BODY })),
  body_file: optional(text("a path of a file")),
  read_body_bytes: optional(whole(1, MAX_BODY_BYTES, "bytes")),
  follow_redirects: optional(z.literal([true, false, "any"], { error: "true, false or any" })),
  max_redirects: optional(whole(0, 50)),
  cookies: optional(onOff()),
  http_version: optional(
    z.literal(["auto", 1.1, 2, "1.1", "2"], { error: "auto, 1.1 or 2" }).transform((version) =>
      String(version) as SiteRequest["httpVersion"]
    ),
  ),
  ip_version: optional(
    z.literal(["auto", 4, 6, "4", "6"], { error: "auto, 4 or 6" }).transform((version) =>
      String(version) as SiteRequest["ipVersion"]
    ),
  ),
  resolve: optional(
    named<[host: string, address: string]>(
      "a map from host name to IP address",
      (name, value, complaints) => {
        const host = hostName(name);
        if (host === null) return complaints.ofKey(HOST);
        if (typeof value !== "string" || isIP(value) === 0) return complaints.ofValue(ADDRESS);
        return [host, value];
      },
    ),
  ),
  proxy: optional(z.string({ error: PROXY }).refine(isProxy, { error: PROXY })),
  connection: optional(anyCase("new", "reuse")),
  tls: optionalSection({
    ca_file: optional(text(PEM_FILE)),
    cert_file: optional(text(PEM_FILE)),
    key_file: optional(text(PEM_FILE)),
    server_name: optional(
      z.string({ error: SERVER_NAME }).refine((name) => hostName(name) === name.toLowerCase(), {
        error: SERVER_NAME,
      }),
    ),
    insecure: optional(flag()),
  }),
};

/** The settings of `requestKeys`, checked; null where nothing is said. */
export type RequestSettings = { [K in keyof typeof requestKeys]: z.output<typeof requestKeys[K]> };

/** The headers that settings ask for, `user_agent` among them. */
export function headersOf(yaml: Pick<RequestSettings, "headers" | "user_agent">): Header[] {
  const given = yaml.headers ?? [];
  return yaml.user_agent === null ? given : mergeHeaders(given, [["User-Agent", yaml.user_agent]]);
}

/** @param rest What `yaml` alone does not say */
export function toRequest(
  yaml: RequestSettings & { max_body_bytes: number | null },
  rest: Pick<SiteRequest, "headers" | "body" | "tls">,
): SiteRequest {
  const method = yaml.method ?? "GET";
  return {
    method: COMMON_METHOD.test(method) ? method.toUpperCase() : method,
    ...rest,
    readBodyBytes: bytesRead(yaml.read_body_bytes, yaml.max_body_bytes),
    followRedirects: yaml.follow_redirects ?? true,
    maxRedirects: yaml.max_redirects ?? 10,
    cookies: yaml.cookies ?? false,
    httpVersion: yaml.http_version ?? "1.1",
    ipVersion: yaml.ip_version ?? "auto",
    resolve: Object.fromEntries(yaml.resolve ?? []),
    proxy: yaml.proxy || null,
    reuseConnection: yaml.connection === "reuse",
  };
}

/** `name` in lower case, in ASCII (IDNA), as it stands in a parsed URL; null where it is none. */
function hostName(name: string): string | null {
  const url = /^[^/?#@:\\[\]\s%]+$/.test(name) ? URL.parse(`http://${name}/`) : null;
  return url === null || isIP(url.hostname) !== 0 ? null : url.hostname;
}

function isProxy(value: string): boolean {
  if (value === "") return true;
  // Parsed as http, as URL() knows nothing of the parts of a socks5 URL.
  const url = /^(?:https?|socks5):\/\/[^\s\\]+$/i.test(value)
    ? URL.parse(value.replace(/^\w+/, "http"))
    : null;
  if (url === null || url.pathname !== "/" || url.search !== "" || url.hash !== "") return false;
  try {
    return ![url.username, url.password].some((part) => /\p{Cc}/u.test(decodeURIComponent(part)));
  } catch {
    return false;
  }
}

import { isIP } from "node:net";
import { z } from "zod";
import { bytesRead, MAX_BODY_BYTES } from "../../agent/rules/body_size.ts";
import {
  anyCase,
  checked,
  entries,
  flag,
  HTTP_TOKEN,
  oneOf,
  onOff,
  optional,
  optionalSection,
  parsed,
  text,
  textLike,
  whole,
} from "../fields.ts";
import type { SiteTls } from "./site_files.ts";

/** A header's name and value, as they go out. */
export type Header = readonly [name: string, value: string];

/** What a header's name is, to follow "expected". */
export const HEADER_NAME = 'a header\'s name (letters, digits and "-")';
const VALUE = "a header's value (a text in ASCII, on one line, without spaces around it)";

/** Headers that are not the config's to set: why not, and what to do in their place. */
const REFUSED: ReadonlyMap<string, string> = new Map(Object.entries({
  "content-length": "it is the length of the body",
  "transfer-encoding": "a body goes out in one piece",
  connection: 'the key "connection" is for it',
  "keep-alive": 'the key "connection" is for it',
  "proxy-connection": 'the key "connection" is for it',
  "proxy-authorization": 'user and password stand in the URL of "proxy"',
  expect: "the body goes out at once",
  te: "trailers are not read",
  trailer: "trailers are not sent",
  upgrade: "another protocol cannot be read",
}));

/** Whether `value` is a field value of RFC 9110, section 5.5, in ASCII. */
export function isHeaderValue(value: unknown): value is string {
  return typeof value === "string" && /^(?:[!-~](?:[\t -~]*[!-~])?)?$/.test(value);
}

/** A map from a request header's name, which RawSite checks, to its value. */
function requestHeaders() {
  const name = checked(HEADER_NAME, (name) => {
    const why = REFUSED.get(name.toLowerCase());
    return why === undefined ? null : `no such header: ${why}`;
  });
  return entries("a map from header to value", name, textLike(VALUE, isHeaderValue));
}

const METHOD = "a method of HTTP, other than CONNECT and TRACE";
const COMMON_METHOD = /^(?:get|head|post|put|patch|delete|options)$/i;
const BODY = 'a text (JSON in quotes, or in a block after "|")';
const USER_AGENT = "a text in ASCII, on one line";
const HOST = "a host name, without scheme, port and path";
const ADDRESS = 'an IP address ("192.0.2.1", "2001:db8::1")';
const PROXY = 'the URL of a proxy ("http://proxy.example:3128", or https:// or socks5://, with ' +
  'user:password@ if need be), or "" for none';
const PEM_FILE = "a path of a PEM file";

/** The keys of a site that say how it is asked. */
export const requestKeys = {
  client: optional(anyCase("timed", "fetch")),
  method: optional(
    textLike(
      METHOD,
      (method) => HTTP_TOKEN.test(method) && !/^(?:connect|trace|track)$/i.test(method),
    ),
  ),
  headers: optional(requestHeaders()),
  user_agent: optional(textLike(USER_AGENT, isHeaderValue).min(1, { error: USER_AGENT })),
  body: optional(z.string({ error: BODY })),
  body_file: optional(text("a path of a file")),
  read_body_bytes: optional(whole(1, MAX_BODY_BYTES, "bytes")),
  follow_redirects: optional(z.literal([true, false, "any"], { error: "true, false or any" })),
  max_redirects: optional(whole(0, 50)),
  cookies: optional(onOff()),
  http_version: optional(version("1.1", "2")),
  ip_version: optional(version("4", "6")),
  resolve: optional(
    entries(
      "a map from host name to IP address",
      parsed(z.string(), HOST, hostName),
      textLike(ADDRESS, (address) => isIP(address) !== 0),
    ),
  ),
  proxy: optional(textLike(PROXY, isProxy)),
  connection: optional(anyCase("new", "reuse")),
  tls: optionalSection({
    ca_file: optional(text(PEM_FILE)),
    cert_file: optional(text(PEM_FILE)),
    key_file: optional(text(PEM_FILE)),
    server_name: optional(
      textLike("a host name", (name) => hostName(name) === name.toLowerCase()),
    ),
    insecure: optional(flag()),
  }),
};

/** The settings of `requestKeys`, checked; null where nothing is said. */
type RequestSettings = { [K in keyof typeof requestKeys]: z.output<typeof requestKeys[K]> };

/** The headers that settings ask for, `user_agent` among them. */
export function headersOf(yaml: Pick<RequestSettings, "headers" | "user_agent">): Header[] {
  const given = yaml.headers ?? [];
  return yaml.user_agent === null ? given : mergeHeaders(given, [["User-Agent", yaml.user_agent]]);
}

/** How a site is asked. @param rest What `yaml` alone does not say */
export function toRequest(
  yaml: RequestSettings & { max_body_bytes: number | null },
  { headers, body, tls }: {
    /** Names as written; user_agent is among them. */
    headers: readonly Header[];
    /** Null: no body. */
    body: Uint8Array | null;
    /** Null where no key of `tls` is given. */
    tls: SiteTls | null;
  },
) {
  const method = yaml.method ?? "GET";
  return {
    method: COMMON_METHOD.test(method) ? method.toUpperCase() : method,
    headers,
    body,
    tls,
    /** Decoded body bytes that are read; the rest is cut and flagged. */
    readBodyBytes: bytesRead(yaml.read_body_bytes, yaml.max_body_bytes),
    /** "any": also from a public site into a private network. */
    followRedirects: yaml.follow_redirects ?? true,
    maxRedirects: yaml.max_redirects ?? 10,
    /** Whether cookies are kept from redirect to redirect. */
    cookies: yaml.cookies ?? false,
    /** "auto": what the site chooses by ALPN; "2": nothing else over TLS. */
    httpVersion: yaml.http_version ?? "1.1",
    /** "auto": IPv6 first where the resolver says so, the other soon after if it hangs. */
    ipVersion: yaml.ip_version ?? "auto",
    /** Host name, lower case -> address to connect to in its place, for one backend of many. */
    resolve: Object.fromEntries(yaml.resolve ?? []) as Readonly<Record<string, string>>,
    /** "http://[user:password@]host:port", or https:// or socks5://; every hop goes through it. */
    proxy: yaml.proxy || null,
    /** Whether a connection left over from an earlier check may serve. */
    reuseConnection: yaml.connection === "reuse",
  };
}

export type SiteRequest = ReturnType<typeof toRequest>;

/** What holds where nobody says anything. */
export const DEFAULT_REQUEST: SiteRequest = toRequest(
  { ...z.object(requestKeys).parse({}), max_body_bytes: null },
  { headers: [], body: null, tls: null },
);

/** "auto" or one of these, which YAML takes for numbers. */
function version<const V extends string>(...known: V[]) {
  const values = ["auto" as const, ...known.map(Number), ...known];
  return z.literal(values, { error: oneOf(["auto", ...known]) })
    .transform((given) => String(given) as "auto" | V);
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

/** Those of `defaults` that `own` does not replace (by name, in any case of letters), then `own`. */
export function mergeHeaders(defaults: readonly Header[], own: readonly Header[]): Header[] {
  const replaced = new Set(own.map(([name]) => name.toLowerCase()));
  return [...defaults.filter(([name]) => !replaced.has(name.toLowerCase())), ...own];
}

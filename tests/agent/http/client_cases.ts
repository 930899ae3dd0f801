import type { FailureClass } from "../../../agent/http/errors.ts";

/** What a client's record is to say; what is not given is not compared. */
export interface Expected {
  status: number | null;
  error: FailureClass | null;
  /** As text, one character a byte. */
  body?: string;
  bodyLength?: number;
  truncated?: boolean;
  /** Status of each hop. */
  hops?: (number | null)[];
}

/** One exchange with the hostile server, and what comes of it. */
export interface Case {
  /** The path; the server's answer of this name. */
  name: string;
  /** In place of the hostile server's. */
  url?: string;
  method?: string;
  followRedirects?: boolean;
  readBodyBytes?: number;
  timeoutMs?: number;
  expected: Expected;
  /** Where the platform's fetch sees it otherwise; null: it has no say in it. */
  platform?: Partial<Expected> | null;
}

const hello = { status: 200, error: null, body: "hello", truncated: false } as const;
const head = { status: null, error: null } as const;

/** Against both clients, unless a case says otherwise. */
export const CASES: readonly Case[] = [
  { name: "fine", expected: { ...hello, hops: [200] } },
  { name: "kept-alive", expected: hello },
  { name: "no-reason", expected: hello },
  { name: "status-404", expected: { status: 404, error: null, body: "none" } },
  { name: "status-500", expected: { status: 500, error: null, body: "oops" } },
  { name: "status-999", expected: { status: 999, error: null, body: "what" } },
  { name: "status-000", expected: { ...head, error: "bad_http" } },
  { name: "204-with-body", expected: { status: 204, error: null, body: "" } },
  { name: "304-with-length", expected: { status: 304, error: null, body: "" } },
  { name: "reset-content", expected: { status: 205, error: null, body: "" } },
  { name: "fine", method: "HEAD", expected: { status: 200, error: null, body: "" } },

  { name: "redirect", expected: { ...hello, hops: [301, 200] } },
  { name: "redirect-302", expected: { ...hello, hops: [302, 200] } },
  { name: "redirect-303", expected: { ...hello, hops: [303, 200] } },
  { name: "redirect-307", expected: { ...hello, hops: [307, 200] } },
  { name: "redirect-308", expected: { ...hello, hops: [308, 200] } },
  { name: "redirect-endless-body", expected: { ...hello, hops: [302, 200] } },
  { name: "redirect", followRedirects: false, expected: { status: 301, error: null, hops: [301] } },
  {
    name: "redirect-loop",
    expected: { status: 302, error: "too_many_redirects", hops: Array(11).fill(302) },
  },
  { name: "redirect-no-url", expected: { status: 302, error: "bad_redirect", hops: [302] } },
  { name: "redirect-scheme", expected: { status: 302, error: "bad_redirect" } },
  {
    name: "redirect-refused",
    expected: { status: 302, error: "connection_refused", hops: [302, null] },
  },
  { name: "redirect-nowhere", expected: { status: 302, error: null, body: "no Location" } },

  { name: "gzip", expected: hello },
  { name: "br", expected: hello },
  { name: "x-gzip", expected: hello, platform: null },
  { name: "deflate", expected: hello, platform: null },
  { name: "deflate-raw", expected: hello, platform: null },
  { name: "zstd", expected: hello, platform: null },
  { name: "gzip-gzip", expected: hello, platform: null },
  { name: "gzip-empty", expected: { status: 200, error: null, body: "" }, platform: null },
  { name: "gzip-cut", expected: { status: 200, error: "bad_encoding" } },
  { name: "gzip-lie", expected: { status: 200, error: "bad_encoding" } },
  { name: "br-lie", expected: { status: 200, error: "bad_encoding" } },
  { name: "deflate-lie", expected: { status: 200, error: "bad_encoding" }, platform: null },
  { name: "zstd-lie", expected: { status: 200, error: "bad_encoding" }, platform: null },
  { name: "encoding-unknown", expected: hello },
  { name: "encoding-tower", expected: { status: 200, error: "bad_encoding" }, platform: null },
  {
    name: "gzip-bomb",
    expected: { status: 200, error: null, bodyLength: 1024 * 1024, truncated: true },
  },
  {
    name: "gzip-gzip-bomb",
    expected: { status: 200, error: null, bodyLength: 1024 * 1024, truncated: true },
    platform: null,
  },

  { name: "chunked", expected: hello },
  { name: "chunked-extension", expected: hello },
  { name: "chunked-tiny", expected: { status: 200, error: null, bodyLength: 200_000 } },
  // Deno's fetch tells only that the body broke, not why.
  {
    name: "chunk-bad",
    expected: { status: 200, error: "bad_chunk" },
    platform: { error: "body_aborted" },
  },
  {
    name: "chunk-negative",
    expected: { status: 200, error: "bad_chunk" },
    platform: { error: "body_aborted" },
  },
  {
    name: "chunk-huge",
    expected: { status: 200, error: "body_aborted" },
  },
  {
    name: "chunk-too-long",
    expected: { status: 200, error: "bad_chunk" },
    platform: { error: "body_aborted" },
  },
  {
    name: "chunk-endless-line",
    expected: { status: 200, error: "bad_chunk" },
    platform: { error: "body_aborted" },
  },
  { name: "chunk-cut", expected: { status: 200, error: "body_aborted", body: "hello" } },
  {
    name: "trailer-flood",
    expected: { status: 200, error: "headers_too_large" },
    platform: { error: "body_aborted" },
  },

  { name: "no-length", expected: hello },
  { name: "http-1.0", expected: hello },
  { name: "length-cut", expected: { status: 200, error: "body_aborted", body: "hello" } },
  { name: "length-negative", expected: { ...head, error: "bad_http" } },
  { name: "length-word", expected: { ...head, error: "bad_http" } },
  { name: "length-twice", expected: { ...head, error: "bad_http" } },
  { name: "length-and-more", expected: hello },
  { name: "reset-body", expected: { status: 200, error: "body_aborted", body: "hello" } },
  {
    name: "large",
    expected: { status: 200, error: null, bodyLength: 1024 * 1024, truncated: true },
  },
  { name: "large", readBodyBytes: 10, expected: { status: 200, error: null, body: "xxxxxxxxxx" } },
  {
    name: "fine",
    readBodyBytes: 0,
    expected: { status: 200, error: null, body: "", truncated: true },
  },
  {
    name: "exactly-1-mib",
    expected: { status: 200, error: null, bodyLength: 1024 * 1024, truncated: false },
  },
  {
    name: "endless",
    expected: { status: 200, error: null, bodyLength: 1024 * 1024, truncated: true },
  },

  { name: "headers-200k", expected: hello },
  { name: "headers-300k", expected: { ...head, error: "headers_too_large" }, platform: hello },
  { name: "header-flood", expected: { ...head, error: "headers_too_large" } },
  { name: "header-nul", expected: { ...head, error: "bad_http" } },
  { name: "header-folded", expected: hello, platform: { ...head, body: "", error: "bad_http" } },
  { name: "header-latin1", expected: hello },
  { name: "interim", expected: hello },
  { name: "interim-flood", expected: { ...head, error: "bad_http" }, platform: hello },
  {
    name: "interim-endless",
    timeoutMs: 300,
    expected: { ...head, error: "bad_http" },
    platform: { error: "timeout" },
  },
  { name: "http-2", expected: { ...head, error: "bad_http" } },
  { name: "transfer-unknown", expected: { ...head, error: "bad_http" }, platform: null },

  { name: "garbage", expected: { ...head, error: "bad_http" } },
  { name: "ssh", expected: { ...head, error: "bad_http" } },
  { name: "empty-reply", expected: { ...head, error: "connection_reset" } },
  { name: "head-cut", expected: { ...head, error: "connection_reset" } },
  { name: "reset", expected: { ...head, error: "connection_reset" } },
  { name: "hang", timeoutMs: 100, expected: { ...head, error: "timeout" } },
  { name: "hang-in-head", timeoutMs: 100, expected: { ...head, error: "timeout" } },
  {
    name: "hang-in-body",
    timeoutMs: 100,
    expected: { status: 200, error: "timeout", body: "hello" },
  },
  { name: "gzip-hang", timeoutMs: 100, expected: { status: 200, error: "timeout" } },
  { name: "drip", timeoutMs: 200, expected: { status: 200, error: "timeout" } },

  {
    name: "nothing listens",
    url: "http://127.0.0.1:2/",
    expected: { ...head, error: "connection_refused", hops: [null] },
  },
  {
    name: "no such name",
    url: "http://nosuch.invalid/",
    expected: { ...head, error: "dns_not_found" },
  },
  { name: "no URL", url: "http://", expected: { ...head, error: "not_made" } },
  { name: "no http", url: "ftp://127.0.0.1/", expected: { ...head, error: "not_made" } },
  {
    name: "blocked port",
    url: "http://127.0.0.1:1/",
    expected: { ...head, error: "connection_refused" },
    platform: { error: "not_made" },
  },
];

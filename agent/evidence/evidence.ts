import type { Secret } from "../../config/source/outside.ts";
import type { Evidence } from "../../wire/message.ts";
import { bodyText, cleanLine, cleanText } from "../http/text.ts";
import type { HttpRecord } from "../http/types.ts";
import { headerValue } from "../rules/response_headers.ts";
import { scrub } from "./scrub.ts";

/** The headers that are kept: those that tell why, and none that may hold a credential. */
const HEADERS = [
  "content-type",
  "content-length",
  "location",
  "server",
  "date",
  "retry-after",
  "cache-control",
  "via",
  "x-request-id",
  "www-authenticate",
];

const MAX_BODY_BYTES = 2 * 1024;
const MAX_HEADER = 512;
const MAX_STATUS_LINE = 256;

/** What secrets are looked for in: past the bytes that are kept, so that none is cut in two there. */
const SEARCHED_BYTES = 16 * 1024;

type Answered = Pick<
  HttpRecord,
  "status" | "statusText" | "httpVersion" | "headers" | "body" | "bodyTruncated" | "error"
>;

/**
 * What a site answered, to see later why it was not well: the status line, some headers, the first
 * 2 KiB of the body in UTF-8. Secrets are taken out.
 *
 * @param secrets Of the request; see secretsOf
 * @returns Null where no response came
 */
export function evidenceOf(record: Answered, secrets: readonly Secret[]): Evidence | null {
  if (record.status === null) return null;
  const clean = (text: string, max: number) => cleanLine(scrub(text, secrets), max);
  const headers: Record<string, string> = {};
  for (const name of HEADERS) {
    const value = headerValue(record.headers, name);
    if (value === null) continue;
    headers[name] = clean(name === "www-authenticate" ? schemeOf(value) : value, MAX_HEADER);
  }
  return {
    statusLine: clean(statusLine(record), MAX_STATUS_LINE),
    headers,
    body: bodyOf(record, secrets),
  };
}

function statusLine({ httpVersion, status, statusText }: Answered): string {
  const protocol = httpVersion === null ? "HTTP" : `HTTP/${httpVersion}`;
  return `${protocol} ${status} ${statusText}`.trimEnd();
}

/** The scheme of the first challenge: its parameters may hold a token to answer with. */
function schemeOf(challenge: string): string {
  return /^[\w-]{1,40}/.exec(challenge)?.[0] ?? "";
}

function bodyOf(record: Answered, secrets: readonly Secret[]): string | null {
  if (record.body.length === 0) return null;
  const body = record.body.subarray(0, SEARCHED_BYTES);
  const isCut = record.bodyTruncated || record.error !== null || body.length < record.body.length;
  const text = cleanText(bodyText({ headers: record.headers, body }));
  return firstBytes(scrub(text, secrets, isCut), MAX_BODY_BYTES);
}

/** As many whole characters as fit into so many bytes of UTF-8. */
function firstBytes(text: string, maxBytes: number): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(maxBytes)).read);
}

import type { HttpRecord } from "./types.ts";

/** A charset in a Content-Type: `text/html; charset="utf-8"`. */
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i;

/**
 * A record's body as text, decoded as browsers do: by its byte order mark, else by the charset of
 * its Content-Type, else (none or an unknown one) as UTF-8. Invalid bytes become U+FFFD, a byte
 * order mark goes away. Source: the Encoding standard's "decode".
 */
export function bodyText(record: Pick<HttpRecord, "headers" | "body">): string {
  const contentType = record.headers.find(([name]) => name === "content-type")?.[1];
  const label = markedCharset(record.body) ?? CHARSET.exec(contentType ?? "")?.[1] ?? "utf-8";
  return decode(record.body, label);
}

/** The charset that a byte order mark tells; a mark is surer than what a header says. */
function markedCharset([first, second, third]: Uint8Array): string | null {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return null;
}

function decode(body: Uint8Array, label: string): string {
  try {
    return new TextDecoder(label).decode(body);
  } catch {
    return new TextDecoder().decode(body);
  }
}

// Control characters but tab and line ends: NUL, which PostgreSQL has no room for, and what a terminal
// may obey.
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** A site's text that can be stored and shown: control characters and lone surrogates as U+FFFD. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(CONTROLS, "\uFFFD");
}

/** As `cleanText`, on one line and cut where it is longer than `maxLength`. */
export function cleanLine(text: string, maxLength: number): string {
  const cut = text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
  return cleanText(cut).replace(/[\t\r\n]+/g, " ");
}

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

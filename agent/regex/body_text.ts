/** A charset in a Content-Type: `text/html; charset="utf-8"`. */
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i;

/** The charset that a Content-Type names, or null. */
export function charsetOf(contentType: string | null): string | null {
  return (contentType && CHARSET.exec(contentType)?.[1]) || null;
}

/**
 * The body as text: in its charset, or as UTF-8 where that is null or unknown. Invalid bytes become
 * U+FFFD, a byte order mark goes away.
 */
export function bodyText(body: Uint8Array, charset: string | null): string {
  return decoder(charset).decode(body);
}

function decoder(charset: string | null): TextDecoder {
  try {
    return new TextDecoder(charset ?? "utf-8");
  } catch {
    return new TextDecoder();
  }
}

/** The most characters of a site's URL: the tables' `url` is varchar(2048). */
export const MAX_URL = 2048;

/**
 * Checks the URL of a site, which is sent and recorded exactly as written.
 *
 * @returns What was expected in its place, to follow "expected"; null when it is fine
 */
export function checkUrl(url: string): string | null {
  if (url.length > MAX_URL) return `a URL of at most ${MAX_URL} characters`;
  // deno-lint-ignore no-control-regex
  if (/[\s\x00-\x1f\x7f-\x9f]|\p{Surrogate}/u.test(url)) {
    return "a URL without spaces and control characters (%20 is a space)";
  }
  if (!isWebUrl(url)) return 'a URL that starts with "http://" or "https://"';
  if (url.includes("\\")) return 'a URL without backslashes ("/" or %5C)';
  if (/^[^/]*\/\/[^/?#]*@/.test(url)) {
    return 'a URL without "user:password@", which every result would show ' +
      '(the key "auth" is for credentials)';
  }
  if (!/^[^/]*\/\/[^/?#]/.test(url) || !URL.canParse(url)) {
    return "a URL with a valid host and port";
  }
  return null;
}

/** Whether `text` is meant as a web URL, valid or not. */
export function isWebUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/**
 * One text for all the ways to write a URL (RFC 3986, section 6.2.2 and 6.2.3: case, default port,
 * dot segments, needless percent-encoding; and without the fragment, which is not sent). Only for
 * finding duplicates.
 *
 * @throws {TypeError} For what checkUrl() refuses
 */
export function normaliseUrl(text: string): string {
  const url = new URL(text);
  url.hash = "";
  return url.href.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(parseInt(encoded.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : encoded.toUpperCase();
  });
}

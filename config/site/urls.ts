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

/** "Bad ports" of the Fetch standard (section "Port blocking"): fetch refuses them by itself. */
const BAD_PORTS: ReadonlySet<number> = new Set([
  ...[0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101],
  ...[102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389],
  ...[427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636],
  ...[989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665],
  ...[6666, 6667, 6668, 6669, 6679, 6697, 10080],
]);

/** The port of `url` if fetch refuses it, else null; null, too, for what is no URL. */
export function badPortOf(url: string): number | null {
  const port = URL.parse(url)?.port;
  return port && BAD_PORTS.has(Number(port)) ? Number(port) : null;
}

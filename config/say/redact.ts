/** Keys whose value is a secret wherever they stand. */
const SECRET_KEY = /^(dsn|.*(password|secret|token))$/;

/** Headers whose value is a secret: what says who we are, or stands for it. */
const SECRET_HEADER = /auth|cookie|credential|key|pass|secret|session|sign|token/i;

/** Keys of a channel of "alerts" that let anybody send there. */
const CHANNEL_KEY = /^(url|.*_key|topic|user|headers)$/;

/** What stands in a message in a secret's place. */
export const HIDDEN = "(hidden)";

/** Whether the value of the key `key` may never be printed. */
export function isSecretKey(key: string | number | undefined): boolean {
  return typeof key === "string" && SECRET_KEY.test(key);
}

/** Whether the value of a request's header `name` may never be printed. */
export function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name);
}

/** Whether `value`, which stands at `path` of the YAML, may never be printed. */
export function isSecretAt(path: readonly (string | number)[], value: unknown): boolean {
  const key = path.at(-1);
  const isText = typeof value === "string";
  // A proxy's URL may be written in ways in which redact() sees no URL.
  if (key === "proxy" && String(value).includes("@")) return true;
  // A text in the place of the map that was meant.
  if ((key === "auth" || key === "headers" || path.at(-2) === "channels") && isText) return true;
  return path.some((part, i) =>
    isSecretKey(part) ||
    (path[i - 1] === "auth" && (part === "basic" || part === "bearer")) ||
    (path[i - 1] === "headers" && isSecretHeader(String(part))) ||
    (path[i - 2] === "channels" && CHANNEL_KEY.test(String(part)))
  );
}

/**
 * `text` without what could be a password in it: the user and password of a URL, and the value of
 * `password=` and the like. For text that stands where a secret was not meant to be.
 */
export function redact(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:)?\/\/.*@/is, hideUserinfo)
    .replace(/((?:password|passwd|pwd|secret|token)\s*=\s*)('[^']*'|[^\s&;]+)/gi, `$1${HIDDEN}`);
}

/** @param start The text up to its last "@"; a password may have "/" and "@" in it. */
function hideUserinfo(start: string, scheme = "", offset: number, text: string): string {
  // In a web URL that is one, what comes after the host is a path, "https://example.com/@name".
  const isWebUrl = /^https?:$/i.test(scheme) && URL.canParse(text.slice(offset).trim());
  const userinfo = isWebUrl ? /^https?:\/\/[^/?#\\]*@/i.exec(start)?.[0] : start;
  if (userinfo === undefined) return start;
  return `${scheme}//${HIDDEN}@${start.slice(userinfo.length)}`;
}

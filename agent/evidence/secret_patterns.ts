import { HIDDEN } from "../../config/say/redact.ts";

/** Words in the names of values that are secrets, whatever is around them: "csrfToken", "db_password". */
const SECRET_NAME = "(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|" +
  "private[_-]?key|credential|signature|session[_-]?id|sessid)";

/** A quote as it is, in HTML, or in a JSON string within a JSON string. */
const QUOTE = `(?:\\\\?["'\`]|&quot;|&#0?3[49];|&#x2[27];)`;

/**
 * What may look like a secret, and what to put in its place. Every repetition in these is bounded, or
 * cannot fail once it has begun: a page that is made to be slow to search is searched in linear time.
 */
const PATTERNS: readonly [
  pattern: RegExp,
  replacement: string | ((...found: string[]) => string),
][] = [
  // -----BEGIN RSA PRIVATE KEY----- ...
  [/(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]*/g, `$1 ${HIDDEN} `],
  // The header as it is, its value up to the end of the line, or in quotes.
  [
    new RegExp(
      `\\b((?:proxy-)?authorization|(?:set-)?cookie)(${QUOTE}?\\s{0,9}(?:=>|[:=])\\s{0,9})` +
        `(?:"(?:[^"\\\\]|\\\\.)*"?|'(?:[^'\\\\]|\\\\.)*'?|[^\\r\\n<"']+)`,
      "gi",
    ),
    `$1$2${HIDDEN}`,
  ],
  // password=..., "apiKey": "...", db.secret => '...', &quot;token&quot;:&quot;...
  [
    new RegExp(
      `(${SECRET_NAME}[\\w-]{0,40}\\]?)(${QUOTE}?\\s{0,9}(?:=>|[:=])\\s{0,9})` +
        // A name that stands in a secret's place already: ${NAME}.
        `(?!["']?\\$\\{[^}\\s]{1,200}\\}(?:[\\s"'&;<>,)\\]\\\\]|$))` +
        `(?:"(?:[^"\\\\]|\\\\.)*"?|'(?:[^'\\\\]|\\\\.)*'?|` +
        `&quot;(?:[^&]|&(?!quot;))*(?:&quot;)?|\\\\"(?:[^\\\\]|\\\\(?!"))*(?:\\\\")?|` +
        `${QUOTE}?[^\\s"'&;<>,)}\\]\\\\]+)`,
      "gi",
    ),
    `$1$2${HIDDEN}`,
  ],
  // <input name="csrf_token" value="...">, <meta name="csrf-token" content="...">
  [/<(?:input|meta)\b[^>]*/gi, hideAttributes],
  // https://user:password@host, postgres://user:password@host
  [/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#@"'<>]{1,300}@/gi, `$1${HIDDEN}@`],
  // A credential of an Authorization header; not "Basic authentication".
  [
    /\b(Bearer|Basic|Digest|Negotiate)(\s{1,9})([\w.~+/-]{6,}=*)/gi,
    (whole, scheme, space, value) =>
      /^[A-Z]?[a-z]{1,20}\.?$/.test(value!) ? whole! : `${scheme}${space}${HIDDEN}`,
  ],
  // A JSON Web Token, or another JSON object in base64url: "eyJ" is '{"'.
  [/[\w.=-]{20,}/g, (run) => run!.replace(/eyJ.{17,}/s, HIDDEN)],
];

/** `text` with all that looks like a credential taken out. */
export function hideSecretLooking(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of PATTERNS) {
    clean = typeof replacement === "string"
      ? clean.replace(pattern, replacement)
      : clean.replace(pattern, replacement);
  }
  return clean;
}

const SECRET_ATTRIBUTE = new RegExp(SECRET_NAME + "|csrf|nonce", "i");

/** A tag without its value, where a name in it says that the value is a secret. */
function hideAttributes(tag = ""): string {
  if (!SECRET_ATTRIBUTE.test(tag)) return tag;
  return tag.replace(
    /\b(value|content)(\s{0,9}=\s{0,9})(?:"[^"]*"?|'[^']*'?|[^\s>"']+)/gi,
    `$1$2"${HIDDEN}"`,
  );
}

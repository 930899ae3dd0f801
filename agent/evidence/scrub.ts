import { Buffer } from "node:buffer";
import { HIDDEN } from "../../config/redact.ts";
import { hideSecretLooking } from "./secret_patterns.ts";

/** A cut may leave the start of a secret at a text's end; fewer characters of it tell nothing. */
const MIN_START = 4;

/**
 * `text` without secrets: the given ones, in each form that a page may give them, and whatever looks
 * like one.
 *
 * @param isCut Whether the text may end in the middle of a secret
 */
export function scrub(text: string, secrets: readonly string[], isCut = false): string {
  let clean = text;
  // The longest first: a shorter one may be a part of it.
  const forms = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  for (const form of forms) clean = clean.replaceAll(form, HIDDEN);
  if (isCut) {
    for (const form of forms) clean = withoutStartAtEnd(clean, form);
  }
  return hideSecretLooking(clean);
}

/** A secret as it is, and as it stands in a URL, a form, a JSON string, HTML and Base64. */
function formsOf(secret: string): string[] {
  const wellFormed = secret.toWellFormed();
  const base64 = Buffer.from(wellFormed).toString("base64");
  const html = wellFormed.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return [
    secret,
    encodeURIComponent(wellFormed),
    new URLSearchParams({ "": wellFormed }).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    html,
    html.replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
    html.replaceAll('"', "&#34;").replaceAll("'", "&#x27;"),
    base64,
    base64.replace(/=+$/, ""),
    base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
  ];
}

function withoutStartAtEnd(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= MIN_START; length--) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + HIDDEN;
  }
  return text;
}

import { Buffer } from "node:buffer";
import { HIDDEN, isSecretHeader } from "../../config/say/redact.ts";
import type { Secret } from "../../config/source/outside.ts";
import type { Site } from "../../config/types.ts";
import { MAX_ERROR_MESSAGE, type ResultMessage } from "../../wire/message.ts";
import { kindOf } from "../auth/index.ts";
import type { HttpRequest } from "../http/types.ts";
import { hideSecretLooking } from "./secret_patterns.ts";

/** A cut may leave the start of a secret at a text's end; fewer characters of it tell nothing. */
const MIN_START = 4;

/**
 * `text` without secrets: the given ones, in each form that a page may give them, and whatever looks
 * like one.
 *
 * @param isCut Whether the text may end in the middle of a secret
 */
export function scrub(text: string, secrets: readonly Secret[], isCut = false): string {
  return hideSecretLooking(hideSecrets(text, secrets, isCut));
}

/** `text` with each of the given secrets replaced by its name; see scrub(). */
export function hideSecrets(text: string, secrets: readonly Secret[], isCut = false): string {
  return secrets.length === 0 ? text : hideForms(text, formsOfAll(secrets), isCut);
}

/** The message of a site without what was put into the site's settings from outside. */
export function hideInMessage(message: ResultMessage, secrets: readonly Secret[]): ResultMessage {
  const { errorMessage, redirects, tls, evidence, remoteAddress, ...rest } = message;
  if (secrets.length === 0) return message;
  // An address cannot be given another name.
  const isAddressHidden = secrets.some(({ value }) => value === remoteAddress);
  const kept = {
    ...rest,
    ...(remoteAddress !== undefined && !isAddressHidden && { remoteAddress }),
  };
  if (errorMessage === null && !redirects && !tls?.chain && !tls?.error && !evidence) {
    return { ...kept, errorMessage, ...(tls && { tls }) };
  }
  const forms = formsOfAll(secrets);
  const hide = <T>(value: T): T => {
    if (typeof value === "string") return hideForms(value, forms) as T;
    if (Array.isArray(value)) return value.map(hide) as T;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, hide(one)])) as T;
  };
  return {
    ...kept,
    errorMessage: errorMessage && hide(errorMessage).slice(0, MAX_ERROR_MESSAGE),
    ...(redirects && { redirects: hide(redirects) }),
    ...(tls && { tls: hide(tls) }),
    ...(evidence && { evidence: hide(evidence) }),
  };
}

/** A text to look for, and what takes its place. */
type Form = readonly [text: string, name: string];

/** The longest first: a shorter one may be a part of it. */
function formsOfAll(secrets: readonly Secret[]): Form[] {
  const forms = new Map(
    secrets.flatMap(({ value, name }) => formsOf(value).map((form) => [form, name])),
  );
  return [...forms].sort(([a], [b]) => b.length - a.length);
}

function hideForms(text: string, forms: readonly Form[], isCut = false): string {
  let clean = text;
  for (const [form, name] of forms) clean = clean.replaceAll(form, () => name);
  if (isCut) {
    for (const [form, name] of forms) clean = withoutStartAtEnd(clean, form, name);
  }
  return clean;
}

/** A secret as it is, and as it stands in a URL, a form, a JSON string, HTML and Base64. */
function formsOf(secret: string): string[] {
  const wellFormed = secret.toWellFormed();
  const base64 = Buffer.from(wellFormed).toString("base64");
  const html = wellFormed.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const inUrl = encodeURIComponent(wellFormed);
  return [
    secret,
    inUrl,
    inUrl.replace(/%[0-9A-F]{2}/g, (encoded) => encoded.toLowerCase()),
    encodeURI(wellFormed),
    lowerCaseHost(wellFormed),
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

/** What may be a host, as it stands in a URL that was parsed. */
function lowerCaseHost(text: string): string {
  return /^[\w.-]+$/.test(text) ? text.toLowerCase() : text;
}

function withoutStartAtEnd(text: string, secret: string, name: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= MIN_START; length--) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + name;
  }
  return text;
}

/**
 * Every text that a request of a site holds as a credential, and what came into its settings from
 * outside. A site that shows the request it got, as
 * a debugging page does, shows these.
 *
 * @param request What was sent, the Authorization header included
 */
export function secretsOf(site: Pick<Site, "auth" | "secrets">, request: HttpRequest): Secret[] {
  const secrets: string[] = [];
  for (const [name, value] of request.headers ?? []) {
    if (!isSecretHeader(name)) continue;
    if (value.length >= MIN_VALUE) secrets.push(value);
    // What comes after "Bearer" is a secret without it, too; so is each cookie's value.
    const parts = value.split(/[\s;,]+/).map((part) => part.replace(/^[\w.-]+=(?=.)/, ""));
    secrets.push(...parts.filter((part) => part.length >= MIN_PART));
  }
  if (site.auth) secrets.push(...kindOf(site.auth).secrets(site.auth));
  const proxyPassword = request.proxy && URL.parse(request.proxy)?.password;
  if (proxyPassword) secrets.push(decoded(proxyPassword));
  // What has a name goes last: of two that are the same, the last one counts.
  return [
    ...secrets.filter((value) => value !== "").map((value) => ({ value, name: HIDDEN })),
    ...site.secrets,
  ];
}

/** A shorter value of a header is no credential, but a number or a switch. */
const MIN_VALUE = 4;

/** A shorter part of one may be a plain word: "Basic". */
const MIN_PART = 8;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

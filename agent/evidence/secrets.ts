import type { Secret } from "../../config/source/outside.ts";
import { HIDDEN, isSecretHeader } from "../../config/say/redact.ts";
import type { Site } from "../../config/types.ts";
import { kindOf } from "../auth/index.ts";
import type { HttpRequest } from "../http/types.ts";

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

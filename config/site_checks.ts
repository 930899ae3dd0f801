import { badPortOf } from "./bad_ports.ts";
import type { Findings } from "./findings.ts";
import { HEADER_NAME, isToken } from "./headers.ts";
import { AUTH_KINDS } from "./http_auth.ts";
import { jmespathProblem } from "./jmespath.ts";
import { MergedSite } from "./merged_site.ts";
import type { Path } from "./problem.ts";
import { isGiven, isMap, mapAt } from "./raw.ts";
import { TLS_KEYS } from "./site_files.ts";
import { DEFAULT_MAX_BODY_BYTES } from "./site_request.ts";
import { checkTlsPair } from "./tls_files.ts";

/** What the client "fetch" cannot do, by the key that asks for it. */
const ONLY_TIMED: Readonly<Record<string, (value: unknown) => boolean>> = {
  ip_version: (value) => value !== "auto",
  resolve: hasKeys,
  proxy: (value) => value !== "",
  connection: (value) => value === "reuse",
  tls: hasKeys,
};

/**
 * Notes what is wrong with a site, or with `defaults:`, by itself, and what one key's value alone
 * cannot show to be so.
 *
 * @param settings What the YAML has at `path`
 */
export function checkLayer(settings: unknown, path: Path, findings: Findings): void {
  if (!isMap(settings)) return;
  const { body, body_file: bodyFile, user_agent: userAgent, headers } = settings;
  if (isGiven(body) && isGiven(bodyFile)) {
    findings.add([...path, "body_file"], 'expected only one of "body" and "body_file"');
  }
  checkNames(headers, [...path, "headers"], findings);
  if (isGiven(userAgent) && headerKey(headers, "user-agent") !== undefined) {
    findings.add([...path, "user_agent"], 'expected only one of "user_agent" and that header');
  }
  checkNames(settings.response_headers, [...path, "response_headers"], findings);
  checkExpressions(settings.json, [...path, "json"], findings);
  checkTlsPair(mapAt(settings, "tls"), TLS_KEYS, [...path, "tls"], findings);
  checkAuth(settings.auth, [...path, "auth"], findings);
}

/**
 * Notes what does not go together in a site, given what it has from `defaults:`. What is wrong with
 * the defaults alone is noted there, once.
 *
 * @param settings What the YAML has at `path`; for the defaults themselves, them
 */
export function checkTogether(
  settings: unknown,
  path: Path,
  url: string | null,
  defaults: unknown,
  findings: Findings,
): void {
  const site = new MergedSite(settings, path, defaults, findings);
  checkBody(site);
  checkClient(site, url);
  checkBounds(site);
  const header = headerKey(site.get("headers"), "authorization") ??
    headerKey(mapAt(defaults, "headers"), "authorization");
  if (header !== undefined && hasKeys(site.get("auth"))) {
    site.note(["auth", "headers"], `expected only one of "auth" and the header "${header}"`);
  }
}

function checkBody(site: MergedSite): void {
  const key = isGiven(site.get("body_file")) && !site.isOwn("body") ? "body_file" : "body";
  const body = site.get(key);
  const method = site.get("method") ?? "GET";
  if (!isGiven(body) || body === "" || !/^(?:get|head)$/i.test(String(method))) return;
  site.note(
    ["method", key],
    `expected a method that goes with "${key}", such as POST, found ${
      isGiven(site.get("method")) ? `"${method}"` : "none (GET)"
    }`,
  );
}

function checkClient(site: MergedSite, url: string | null): void {
  if (String(site.get("client")).toLowerCase() !== "fetch") return;
  for (const [key, isAsked] of Object.entries(ONLY_TIMED)) {
    const value = site.get(key);
    if (!isGiven(value) || !isAsked(value)) continue;
    site.note([key, "client"], `expected no "${key}", which client "fetch" has not`);
  }
  // In the defaults it is for the sites that can have it.
  if (url !== null && site.isOwn("certificate_days_left")) {
    site.note(
      ["certificate_days_left"],
      'expected no "certificate_days_left", as client "fetch" sees no certificate',
    );
  }
  const port = url === null ? null : badPortOf(url);
  if (port !== null) {
    site.noteOwn("client", `expected "timed", as "fetch" refuses port ${port} by itself`);
  }
}

function checkBounds(site: MergedSite): void {
  site.checkOrder("degraded_response_time_ms", "max_response_time_ms");
  site.checkOrder("min_body_bytes", "max_body_bytes");
  const least = site.get("min_body_bytes");
  if (
    typeof least === "number" && least > DEFAULT_MAX_BODY_BYTES &&
    !isGiven(site.get("max_body_bytes"))
  ) {
    site.note(
      ["min_body_bytes"],
      `expected a larger "max_body_bytes" beside it: without, ${DEFAULT_MAX_BODY_BYTES} are read`,
    );
  }
}

/** Header names as keys: tokens, and each once. */
function checkNames(headers: unknown, path: Path, findings: Findings): void {
  const keys = new Map<string, string>();
  for (const name of isMap(headers) ? Object.keys(headers) : []) {
    const same = keys.get(name.toLowerCase());
    if (!isToken(name)) findings.add([...path, name], `expected ${HEADER_NAME}`);
    else if (same !== undefined) {
      findings.add([...path, name], `expected another header than "${same}", which is the same`);
    }
    keys.set(name.toLowerCase(), name);
  }
}

function checkExpressions(json: unknown, path: Path, findings: Findings): void {
  for (const expression of isMap(json) ? Object.keys(json) : []) {
    const problem = jmespathProblem(expression);
    if (problem !== null) {
      findings.add([...path, expression], `expected a JMESPath expression (${problem})`);
    }
  }
}

function checkAuth(auth: unknown, path: Path, findings: Findings): void {
  if (!isMap(auth) || !hasKeys(auth)) return;
  const kinds = AUTH_KINDS.filter((kind) => isGiven(auth[kind]));
  if (kinds.length === 1) return;
  const found = kinds.length === 0 ? "none" : kinds.map((kind) => `"${kind}"`).join(" and ");
  findings.add(path, `expected one of "basic", "bearer" and "oauth2", found ${found}`);
}

/** The key under which `headers` has the header `lowerName`. */
function headerKey(headers: unknown, lowerName: string): string | undefined {
  if (!isMap(headers)) return undefined;
  return Object.keys(headers).find((key) =>
    key.toLowerCase() === lowerName && isGiven(headers[key])
  );
}

function hasKeys(value: unknown): boolean {
  return isMap(value) && Object.keys(value).length > 0;
}

import { AUTH_KINDS } from "../../agent/auth/index.ts";
import { RULES } from "../../agent/rules/index.ts";
import { HTTP_TOKEN, oneOf } from "../fields.ts";
import type { Findings, Path } from "../say/findings.ts";
import { isGiven, isMap, mapAt } from "../source/raw.ts";
import { checkTlsPair } from "../tls_files.ts";
import { TLS_KEYS } from "./site_files.ts";
import { HEADER_NAME } from "./site_request.ts";
import { badPortOf } from "./urls.ts";

/** What the client "fetch" cannot do, by the key that asks for it. */
const ONLY_TIMED: Readonly<Record<string, (value: unknown) => boolean>> = {
  ip_version: (value) => value !== "auto",
  resolve: hasKeys,
  proxy: (value) => value !== "",
  connection: (value) => value === "reuse",
  http_version: (value) => value !== "auto",
  tls: hasKeys,
};

/**
 * Notes what is wrong with a site's settings that one key's value alone cannot show to be so. What is
 * wrong with a fallback alone is noted there, once.
 *
 * @param url Null: the settings are for several sites
 */
export function checkSite(
  url: string | null,
  own: RawSettings,
  fallbacks: readonly RawSettings[],
  findings: Findings,
): void {
  const site = new RawSite(url, own, fallbacks, findings);
  const { settings, path } = own;
  if (site.isOwn("body") && site.isOwn("body_file")) {
    site.noteOwn(["body_file"], 'expected only one of "body" and "body_file"');
  }
  site.checkHeaderNames("headers");
  if (site.isOwn("user_agent") && headerKey(site.own("headers"), "user-agent") !== undefined) {
    site.noteOwn(["user_agent"], 'expected only one of "user_agent" and that header');
  }
  checkTlsPair(mapAt(settings, "tls"), TLS_KEYS, [...path, "tls"], findings);
  checkAuth(site);
  checkBody(site);
  checkClient(site);
  for (const { check } of RULES) check?.(site);
}

function checkAuth(site: RawSite): void {
  const header = site.all("headers").map((headers) => headerKey(headers, "authorization"))
    .find((key) => key !== undefined);
  if (header !== undefined && hasKeys(site.get("auth"))) {
    site.note(["auth", "headers"], `expected only one of "auth" and the header "${header}"`);
  }
  const auth = site.own("auth");
  if (!isMap(auth) || !hasKeys(auth)) return;
  const quoted = AUTH_KINDS.map(({ kind }) => `"${kind}"`);
  const found = quoted.filter((_, i) => isGiven(auth[AUTH_KINDS[i]!.kind]));
  if (found.length === 1) return;
  const kinds = oneOf(quoted).replace(" or ", " and ");
  site.noteOwn(["auth"], `expected one of ${kinds}, found ${found.join(" and ") || "none"}`);
}

function checkBody(site: RawSite): void {
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

function checkClient(site: RawSite): void {
  if (String(site.get("client")).toLowerCase() !== "fetch") return;
  for (const [key, isAsked] of Object.entries(ONLY_TIMED)) {
    const value = site.get(key);
    if (!isGiven(value) || !isAsked(value)) continue;
    site.note([key, "client"], `expected no "${key}", which client "fetch" has not`);
  }
  const host = headerKey(site.own("headers"), "host");
  if (host !== undefined) {
    site.noteOwn(["headers", host], 'expected no header "Host", which client "fetch" has not');
  }
  const port = site.url === null ? null : badPortOf(site.url);
  if (port !== null) {
    site.noteOwn(["client"], `expected "timed", as "fetch" refuses port ${port} by itself`);
  }
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

/** Settings as the YAML has them, checked or not, and where they stand. */
export interface RawSettings {
  settings: Readonly<Record<string, unknown>>;
  path: Path;
}

/** A site's settings as the YAML has them, with what it has from elsewhere. */
export class RawSite {
  /** Null: no site, but settings for several. */
  readonly url: string | null;
  readonly #own: RawSettings;
  /** The site's own first, then what it falls back on. */
  readonly #layers: readonly RawSettings[];
  readonly #findings: Findings;

  /** @param fallbacks Those before others decide */
  constructor(
    url: string | null,
    own: RawSettings,
    fallbacks: readonly RawSettings[],
    findings: Findings,
  ) {
    this.url = url;
    this.#own = own;
    this.#layers = [own, ...fallbacks];
    this.#findings = findings;
  }

  /** What the site itself has; null and undefined: nothing. */
  own(key: string): unknown {
    return this.#own.settings[key];
  }

  isOwn(key: string): boolean {
    return isGiven(this.own(key));
  }

  /** What holds for the site; null and undefined: nothing is said. */
  get(key: string): unknown {
    return this.all(key)[0];
  }

  /** What the site has, then each that it falls back on. */
  all(key: string): unknown[] {
    return this.#layers.map(({ settings }) => settings[key]).filter(isGiven);
  }

  /** Notes `text` at the first of `keys` that the site itself has, else at what it falls back on. */
  note(keys: readonly string[], text: string): void {
    this.#findings.add(this.#pathOf(keys), text);
  }

  /** Notes `text` below the site itself, whoever has what is there. */
  noteOwn(path: Path, text: string): void {
    this.#findings.add([...this.#own.path, ...path], text);
  }

  /** Notes that the numbers at `low` and `high` are not in order, where that is so. */
  checkOrder(low: string, high: string): void {
    const [least, most] = [this.get(low), this.get(high)];
    if (typeof least !== "number" || typeof most !== "number" || least < most) return;
    const path = this.#pathOf([low, high]);
    const [what, found] = path.at(-1) === low
      ? [`a number below "${high}" (${most})`, least]
      : [`a number above "${low}" (${least})`, most];
    this.#findings.expected(path, what, found);
  }

  /** Notes keys of the map at `key` that are no header's name, or one that is there already. */
  checkHeaderNames(key: string): void {
    const headers = this.own(key);
    const names = new Map<string, string>();
    for (const name of isMap(headers) ? Object.keys(headers) : []) {
      const same = names.get(name.toLowerCase());
      if (!HTTP_TOKEN.test(name)) this.noteOwn([key, name], `expected ${HEADER_NAME}`);
      else if (same !== undefined) {
        this.noteOwn([key, name], `expected another header than "${same}", which is the same`);
      }
      names.set(name.toLowerCase(), name);
    }
  }

  #pathOf(keys: readonly string[]): Path {
    for (const { settings, path } of this.#layers) {
      const key = keys.find((key) => isGiven(settings[key]));
      if (key !== undefined) return [...path, key];
    }
    return [...this.#own.path, keys[0]!];
  }
}

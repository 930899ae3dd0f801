import { Buffer } from "node:buffer";
import type { Auth, Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Clients } from "../clients.ts";
import type { HttpError, HttpRequest, TlsOptions } from "../http/types.ts";
import { siteRequest } from "../site_request.ts";
import { AccessToken, type Way } from "./access_token.ts";

/** A request with its credentials, or why there are none. */
export type Prepared = { request: HttpRequest } | { error: HttpError };

/**
 * The requests of sites, credentials included, each made once for a site: the client keeps what it
 * makes of a request's TLS options by their identity.
 *
 * Credentials go into the Authorization header, which the clients leave out towards another origin.
 */
export class SiteRequests {
  readonly #clients: Clients;
  readonly #clock: Clock;
  readonly #made = new WeakMap<Site, HttpRequest>();
  /** Thousands of sites may have the same ones from the defaults. */
  readonly #tls = new Map<string, TlsOptions>();
  /** Of sites with OAuth2; shared by those that would ask for the same token in the same way. */
  readonly #tokenOfSite = new WeakMap<Site, AccessToken>();
  readonly #tokens = new Map<string, AccessToken>();
  readonly #closing = new AbortController();

  constructor(clients: Clients, clock: Clock) {
    this.#clients = clients;
    this.#clock = clock;
  }

  /**
   * The request to make of `site` now. Waits for an access token for the site's timeout at most; the
   * wait is no part of the response time, as it says nothing of the site. Never rejects.
   *
   * @param signal Ends the wait
   */
  async prepare(site: Site, signal: AbortSignal): Promise<Prepared> {
    const request = this.#made.get(site) ?? this.#make(site);
    if (site.auth?.kind !== "oauth2") return { request };
    const token = await this.#tokenOf(site, site.auth).get(site.timeoutMs, signal);
    if ("error" in token) return token;
    return { request: withAuthorization(request, `Bearer ${token.value}`) };
  }

  /** A request whose answer was 401: its access token is not used again. */
  refused(site: Site, request: HttpRequest): void {
    const [, value] = request.headers?.find(([name]) => name === AUTHORIZATION) ?? [];
    if (value !== undefined) this.#tokenOfSite.get(site)?.drop(value.slice("Bearer ".length));
  }

  /** Ends requests for tokens that are under way. */
  close(): void {
    this.#closing.abort();
  }

  #make(site: Site): HttpRequest {
    const plain = siteRequest(site);
    if (plain.tls) plain.tls = this.#sharedTls(plain.tls);
    const fixed = site.auth && fixedAuthorization(site.auth);
    const request = fixed ? withAuthorization(plain, fixed) : plain;
    this.#made.set(site, request);
    return request;
  }

  #sharedTls(tls: TlsOptions): TlsOptions {
    const key = JSON.stringify(tls);
    const shared = this.#tls.get(key) ?? tls;
    this.#tls.set(key, shared);
    return shared;
  }

  #tokenOf(site: Site, auth: Extract<Auth, { kind: "oauth2" }>): AccessToken {
    const known = this.#tokenOfSite.get(site);
    if (known) return known;
    const way = wayToTokenServer(site);
    const key = JSON.stringify([auth, site.client, way]);
    const token = this.#tokens.get(key) ??
      new AccessToken(auth, this.#clients[site.client], way, this.#clock, this.#closing.signal);
    this.#tokens.set(key, token);
    this.#tokenOfSite.set(site, token);
    return token;
  }
}

const AUTHORIZATION = "Authorization";

/** That of the site itself, but for what is meant for it alone: its name, client certificate, `insecure`. */
function wayToTokenServer(site: Site): Way {
  const { ipVersion, resolve, proxy, tls } = siteRequest(site);
  return { ipVersion, resolve, proxy, tls: tls?.ca === undefined ? undefined : { ca: tls.ca } };
}

function withAuthorization(request: HttpRequest, value: string): HttpRequest {
  const others = request.headers?.filter(([name]) => name.toLowerCase() !== "authorization") ?? [];
  return { ...request, headers: [...others, [AUTHORIZATION, value]] };
}

/** The header of credentials that do not change; null where they do. */
function fixedAuthorization(auth: Auth): string | null {
  switch (auth.kind) {
    case "basic":
      return basicAuthorization(auth.username, auth.password);
    case "bearer":
      return `Bearer ${auth.token}`;
    case "oauth2":
      return null;
  }
}

/** RFC 7617, in UTF-8. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

import type { Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import { kindOf } from "../auth/index.ts";
import type { TokenSource } from "../auth/kind.ts";
import { keep } from "../bounded_map.ts";
import type { Clients } from "../clients.ts";
import { askWithin } from "./ask_within.ts";
import type { HttpError } from "../http/errors.ts";
import type { HttpRequest } from "../http/types.ts";

/** A request with its credentials, or why there are none. */
export type Prepared = { request: HttpRequest } | { error: HttpError };

/** What is made once for a site; `tokens` where its credentials change. */
interface Made {
  request: HttpRequest;
  tokens: TokenSource | null;
}

/**
 * The requests of sites, credentials included, each made once for a site.
 *
 * Credentials go into the Authorization header, which the clients leave out towards another origin.
 */
export class SiteRequests {
  readonly #clients: Clients;
  readonly #clock: Clock;
  readonly #made = new WeakMap<Site, Made>();
  /** Shared by sites that would ask for the same token in the same way. */
  readonly #tokens = new Map<string, TokenSource>();
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
    const { request, tokens } = this.#madeFor(site);
    if (tokens === null) return { request };
    const token = await tokens.get(site.timeoutMs, signal);
    if ("error" in token) return token;
    return { request: withAuthorization(request, `Bearer ${token.value}`) };
  }

  /** A request whose answer was 401: its access token is not used again. */
  refused(site: Site, request: HttpRequest): void {
    const [, value] = request.headers?.find(([name]) => name === AUTHORIZATION) ?? [];
    if (value !== undefined) this.#madeFor(site).tokens?.drop(value.slice("Bearer ".length));
  }

  /** Ends requests for tokens that are under way. */
  close(): void {
    this.#closing.abort();
  }

  #madeFor(site: Site): Made {
    const known = this.#made.get(site);
    if (known) return known;
    const request = siteRequest(site);
    const authorization = site.auth && this.#authorizationOf(site, site.auth);
    const made = typeof authorization === "string"
      ? { request: withAuthorization(request, authorization), tokens: null }
      : { request, tokens: authorization };
    this.#made.set(site, made);
    return made;
  }

  #authorizationOf(site: Site, auth: NonNullable<Site["auth"]>): string | TokenSource {
    const [client, clock] = [this.#clients[site.client], this.#clock];
    // The way is the site's own, but for what is meant for it alone: its name, client certificate
    // and `insecure`.
    const { ipVersion, resolve, proxy, tls } = site.request;
    const way = { ipVersion, resolve, proxy, tls: tls && { ca: tls.ca } };
    const authorization = kindOf(auth).authorization(auth, {
      clock,
      ask: (request, limitMs) =>
        askWithin(client, { ...way, ...request }, limitMs, this.#closing.signal, clock),
    });
    if (typeof authorization === "string") return authorization;
    const key = JSON.stringify([auth, site.client, way]);
    return this.#tokens.get(key) ?? keep(this.#tokens, key, authorization);
  }
}

const AUTHORIZATION = "Authorization";

function withAuthorization(request: HttpRequest, value: string): HttpRequest {
  const others = request.headers?.filter(([name]) => name.toLowerCase() !== "authorization") ?? [];
  return { ...request, headers: [...others, [AUTHORIZATION, value]] };
}

/** What to ask a site for, without what `auth` adds. */
export function siteRequest({ requestUrl, request }: Site): HttpRequest {
  return { url: requestUrl, ...request };
}

import tls from "node:tls";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { systemAuthorities } from "../../runtime/system_authorities.ts";
import { BodyBuffer } from "./body_buffer.ts";
import { classifyError } from "./classify.ts";
import { abortError, ExchangeFailure, failure } from "./errors.ts";
import { NetworkRules } from "./networks.ts";
import { followRedirects, type HopOutcome, redirectOf } from "./redirects.ts";
import { resolveHost, type Resolver, systemResolver } from "./resolve.ts";
import { Steps } from "./steps.ts";
import { parseTarget } from "./target.ts";
import { USER_AGENT } from "./timed/request_head.ts";
import type { HttpClient, WholeRequest } from "./types.ts";

/** What the platform's client is made of. */
export interface PlatformFetchDeps {
  /** @default the platform's own, over a new connection each time */
  fetch?: typeof fetch;
  clock?: Clock;
  /** @default the machine's */
  resolver?: Resolver;
  networks?: NetworkRules;
}

/**
 * A client over the platform's own fetch: HTTP/2 on Deno, no phases, no certificate.
 * The URL goes out as fetch normalises it. Redirects are followed here rather than by fetch.
 */
export function createPlatformFetchClient(deps: PlatformFetchDeps = {}): HttpClient {
  const send = deps.fetch ?? fetchOverNewConnections();
  const clock = deps.clock ?? systemClock;
  const resolver = deps.resolver ?? systemResolver;
  const networks = deps.networks ?? new NetworkRules();

  return (first, signal) =>
    followRedirects(first, clock, async (request, before) => {
      const start = clock.monotonic();
      const outcome: HopOutcome = { ...NOTHING };
      const body = new BodyBuffer(request.readBodyBytes, request.allowance);
      const steps = new Steps(signal);
      try {
        const host = hostOf(request);
        // fetch tells nobody where it goes, so that the name is looked up before.
        const addresses = (await resolveHost(host, "auto", resolver, clock, steps))
          .map(({ address }) => address);
        for (const address of addresses) networks.check(address, before);
        outcome.isPublic = addresses.every((address) => networks.isPublic(address));
        const response = await send(request.url, options(request, signal));
        const { status, statusText } = response;
        outcome.head = { status, statusText, httpVersion: null, headers: [...response.headers] };
        if (redirectOf(request, outcome.head) !== null) response.body?.cancel().catch(() => {});
        // What comes beyond the cap is not waited for.
        else for await (const piece of response.body ?? []) if (!body.add(piece)) break;
      } catch (error) {
        outcome.error = error instanceof ExchangeFailure
          ? error.error
          : signal.aborted
          ? abortError(signal)
          : classifyError(error, outcome.head ? "body" : "head");
      }
      steps.end();
      const bodyTruncated = body.truncated;
      return { ...outcome, body: body.bytes(), bodyTruncated, ms: clock.monotonic() - start };
    });
}

const NOTHING: HopOutcome = {
  head: null,
  body: new Uint8Array(0),
  bodyTruncated: false,
  isPublic: false,
  error: null,
  ms: 0,
  phases: null,
  remoteAddress: null,
  tls: null,
};

function options(request: WholeRequest, signal: AbortSignal): RequestInit {
  const headers = new Headers(request.headers.map(([name, value]) => [name, value]));
  if (!headers.has("user-agent")) headers.set("user-agent", USER_AGENT);
  return {
    method: request.method,
    headers,
    body: request.body as Uint8Array<ArrayBuffer> | undefined,
    redirect: "manual",
    signal,
  };
}

/** @throws ExchangeFailure `not_made`, also where fetch has no way to honour what is asked */
function hostOf(request: WholeRequest): string {
  const asked = {
    "ip_version": request.ipVersion !== "auto",
    "resolve": Object.keys(request.resolve).length > 0,
    "proxy": request.proxy,
    "connection: reuse": request.reuseConnection,
    "tls": request.tls,
    "http_version": request.httpVersion === "2",
  };
  const option = Object.entries(asked).find(([, value]) => value)?.[0];
  if (option) {
    throw failure("not_made", `The platform's fetch has no "${option}"; use the timed client`);
  }
  return parseTarget(request.url).host;
}

/** What is used of the runtimes, where it is there. */
interface Platform {
  Deno?: { createHttpClient?(options: { poolMaxIdlePerHost: 0; caCerts: string[] }): unknown };
}
interface Tls {
  /** Node has it from 22.19 on; before, fetch trusts Node's own list alone. */
  setDefaultCACertificates?(certificates: string[]): void;
}

/**
 * The platform's fetch, which trusts the system's authorities beside the runtime's, and keeps no
 * connection for later: a check that finds a connection open proves less than one that has to make it.
 * Deno has a client without a pool for it, and would take a connection from its pool whatever the
 * headers say; Node heeds "connection: close".
 */
function fetchOverNewConnections(): typeof fetch {
  const createHttpClient = (globalThis as Platform).Deno?.createHttpClient;
  const prepare = () => {
    const caCerts = systemAuthorities();
    if (createHttpClient) return { client: createHttpClient({ poolMaxIdlePerHost: 0, caCerts }) };
    (tls as Tls).setDefaultCACertificates?.([...tls.rootCertificates, ...caCerts]);
    return {};
  };
  // When it is needed: to read the authorities takes some 20 ms.
  let prepared: { client?: unknown } | null = null;
  return (url, init) => {
    const headers = new Headers(init?.headers);
    if (!createHttpClient) headers.set("connection", "close");
    return fetch(url, { ...init, headers, ...(prepared ??= prepare()) });
  };
}

import { isIP } from "node:net";
import type { Clock } from "../../../runtime/clock.ts";
import { atProxy, ExchangeFailure, failure } from "../errors.ts";
import type { Before, NetworkRules } from "../networks.ts";
import { resolveHost, type Resolver } from "../resolve.ts";
import type { Steps } from "../steps.ts";
import type { Target } from "../target.ts";
import type { TlsOptions, WholeRequest } from "../types.ts";
import { connect, type Connected } from "./connect.ts";
import type { Connection } from "./idle_connections.ts";
import type { PhaseTimer } from "./phase_timer.ts";
import { openTunnel, parseProxy, type Proxy, proxyAuthorization } from "./proxy.ts";
import { secure, type Secured } from "./tls/secure.ts";
import type { TrustStore } from "./tls/trust.ts";

/** What was learned of a host, the runtime's own, and what is learned then. */
const MAX_TRUSTS = 3;

/** What connections are made with. */
export interface DialDeps {
  clock: Clock;
  resolver: Resolver;
  trust: TrustStore;
  networks: NetworkRules;
}

/** A hop that wants a connection. */
export interface Wanted {
  readonly request: WholeRequest;
  readonly before: Before;
  readonly deps: DialDeps;
  readonly timer: PhaseTimer;
  readonly steps: Steps;
  /** Where its host was found; null while nobody knows, or needs to. */
  addresses: readonly string[] | null;
}

/**
 * Makes a connection for the request: resolves, connects, through the proxy if there is one, and
 * makes it secure for https.
 *
 * @throws ExchangeFailure; no socket is left open then
 */
export async function dial(wanted: Wanted, target: Target): Promise<Connection> {
  const { request, deps: { clock } } = wanted;
  const proxy = request.proxy ? parseProxy(request.proxy) : null;
  const plain = () => proxy ? reachThrough(proxy, wanted, target) : reach(wanted, target);
  const nothing = { isHttp2: false, session: null, forwards: null, tls: null, tlsError: null };
  if (!target.secure) {
    const reached = await plain();
    const forwards = proxy && proxy.kind !== "socks5"
      ? { authorization: proxyAuthorization(proxy) }
      : null;
    return { ...nothing, ...reached, forwards, madeAt: clock.monotonic() };
  }
  const name = request.tls?.serverName ?? target.host;
  const made = await makeSecure(name, request.tls, ALPN[request.httpVersion], plain, wanted);
  const { socket, remoteAddress, isPublic, record: tls, error: tlsError } = made;
  const isHttp2 = made.protocol === "h2";
  if (request.httpVersion === "2" && !isHttp2 && !tlsError) {
    socket.destroy();
    throw failure("bad_http", "The site does not speak HTTP/2");
  }
  const place = { remoteAddress, isPublic, madeAt: clock.monotonic() };
  return { ...nothing, socket, isHttp2, tls, tlsError, ...place };
}

/** What is offered. */
const ALPN = { "auto": ["h2", "http/1.1"], "1.1": ["http/1.1"], "2": ["h2"] };

/** A way to the site that is not secure yet. */
type Reached = Pick<Connection, "socket" | "remoteAddress" | "isPublic">;

async function reach(wanted: Wanted, { host, port }: Target): Promise<Reached> {
  const { before, deps: { networks } } = wanted;
  const pinned = wanted.request.resolve[host];
  const check = (address: string) =>
    // Where the config itself says which address, it is no redirect's doing.
    networks.check(address, pinned === undefined ? before : { ...before, wasPublic: false });
  const { socket, address } = await reachHost(pinned ?? host, port, wanted, check);
  return { socket, remoteAddress: address, isPublic: networks.isPublic(address) };
}

async function reachThrough(proxy: Proxy, wanted: Wanted, target: Target): Promise<Reached> {
  const { request, before, steps, deps: { networks } } = wanted;
  const host = request.resolve[target.host] ?? target.host;
  // A name is for the proxy to resolve.
  if (isIP(host) !== 0) networks.check(host, before);
  const isPublic = isIP(host) === 0 || networks.isPublic(host);
  const plain = async () => {
    const { socket, address } = await reachHost(proxy.host, proxy.port, wanted);
    return { socket, remoteAddress: address, isPublic };
  };
  const reached = await blamingProxy(async () => {
    if (proxy.kind !== "https") return await plain();
    const options = request.tls && { ca: request.tls.ca, insecure: request.tls.insecure };
    const made = await makeSecure(proxy.host, options, ALPN["1.1"], plain, wanted);
    if (!made.error || options?.insecure) return made;
    made.socket.destroy();
    throw new ExchangeFailure(made.error);
  });
  try {
    const isForwarded = !target.secure && proxy.kind !== "socks5";
    if (!isForwarded) await openTunnel(reached.socket, proxy, host, target.port, steps);
  } catch (error) {
    reached.socket.destroy();
    throw error;
  }
  return reached;
}

async function reachHost(
  host: string,
  port: number,
  wanted: Wanted,
  check: (address: string) => void = () => {},
): Promise<Connected> {
  const { request, timer, steps, deps: { resolver, clock } } = wanted;
  timer.enter("dns");
  const found = await resolveHost(host, request.ipVersion, resolver, clock, steps);
  const addresses = allowed(found, check);
  if (!request.proxy) wanted.addresses = addresses.map(({ address }) => address);
  timer.enter("connect");
  return await connect(addresses, port, clock, steps, request.allowance);
}

/** Those of the addresses that may be asked. @throws ExchangeFailure where none may */
function allowed<A extends { address: string }>(
  addresses: readonly A[],
  check: (address: string) => void,
): A[] {
  let refusal: unknown = null;
  const may = addresses.filter(({ address }) => {
    try {
      check(address);
      return true;
    } catch (error) {
      refusal = error;
      return false;
    }
  });
  if (may.length === 0 && refusal) throw refusal;
  return may;
}

/** Makes a connection secure; again with another trust where that may let the certificate verify. */
async function makeSecure(
  name: string,
  options: TlsOptions | null | undefined,
  protocols: string[],
  plain: () => Promise<Reached>,
  { timer, steps, deps: { clock, trust: store } }: Wanted,
): Promise<Secured & Reached> {
  let trust = store.get(name, options);
  for (let tries = 1;; tries++) {
    const reached = await plain();
    timer.enter("tls");
    const made = await secure(reached.socket, name, protocols, trust, clock, steps);
    if (made.error?.class !== "tls_certificate_untrusted") return { ...reached, ...made };
    const another = store.another(name, options, made.untrusted, trust);
    if (another === null || tries === MAX_TRUSTS) return { ...reached, ...made };
    made.socket.destroy();
    trust = another;
  }
}

/** Tells a proxy that cannot be reached from a site that cannot. */
async function blamingProxy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ExchangeFailure ? atProxy(error.error) : error;
  }
}

import { isIP, type Socket } from "node:net";
import type { Clock } from "../../../runtime/clock.ts";
import { atProxy, ExchangeFailure, failure } from "../errors.ts";
import type { Before, NetworkRules } from "../networks.ts";
import { resolveHost, type Resolver } from "../resolve.ts";
import type { Steps } from "../steps.ts";
import type { Target } from "../target.ts";
import type { HttpRequest } from "../types.ts";
import { connect } from "./connect.ts";
import type { Connection } from "./idle_connections.ts";
import type { PhaseTimer } from "./phase_timer.ts";
import { openTunnel, parseProxy, type Proxy, proxyAuthorization } from "./proxy.ts";
import { secure, type Secured } from "./secure.ts";
import type { TrustStore } from "./trust.ts";

/** What was learned of a host, the runtime's own, and what is learned then. */
const MAX_TRUSTS = 3;

/** What connections are made with. */
export interface DialDeps {
  clock: Clock;
  resolver: Resolver;
  trust: TrustStore;
  networks: NetworkRules;
}

/** What one hop wants. */
export interface Wanted {
  request: HttpRequest;
  target: Target;
  before: Before;
  timer: PhaseTimer;
  steps: Steps;
}

/**
 * Makes a connection for the request: resolves, connects, through the proxy if there is one, and
 * makes it secure for https.
 *
 * @throws ExchangeFailure; no socket is left open then
 */
export async function dial(wanted: Wanted, deps: DialDeps): Promise<Connection> {
  const { request, target } = wanted;
  const proxy = request.proxy ? parseProxy(request.proxy) : null;
  const plain = () => proxy ? reachThrough(proxy, wanted, deps) : reach(wanted, deps);
  const nothing = { isHttp2: false, session: null, forwards: null, tls: null, tlsError: null };
  if (!target.secure) {
    const { socket, place } = await plain();
    const forwards = proxy && proxy.kind !== "socks5"
      ? { authorization: proxyAuthorization(proxy) }
      : null;
    return { ...nothing, socket, forwards, ...place, madeAt: deps.clock.monotonic() };
  }
  const name = request.tls?.serverName ?? target.host;
  const protocols = alpn(request.httpVersion);
  const made = await makeSecure(name, request.tls, protocols, plain, wanted, deps);
  const isHttp2 = made.protocol === "h2";
  if (request.httpVersion === "2" && !isHttp2 && !made.error) {
    made.socket.destroy();
    throw failure("bad_http", "The site does not speak HTTP/2");
  }
  return {
    ...nothing,
    socket: made.socket,
    isHttp2,
    tls: made.record,
    tlsError: made.error,
    ...made.place,
    madeAt: deps.clock.monotonic(),
  };
}

/** A way to the site that is not secure yet. */
interface Reached {
  socket: Socket;
  place: Pick<Connection, "remoteAddress" | "isPublic">;
}

async function reach(wanted: Wanted, deps: DialDeps): Promise<Reached> {
  const { request, target, before } = wanted;
  const pinned = request.resolve?.[target.host];
  const check = (address: string) =>
    // Where the config itself says which address, it is no redirect's doing.
    deps.networks.check(address, pinned === undefined ? before : { ...before, wasPublic: false });
  const reached = await reachHost(pinned ?? target.host, target.port, wanted, deps, check);
  const isPublic = deps.networks.isPublic(reached.address);
  return { socket: reached.socket, place: { remoteAddress: reached.address, isPublic } };
}

async function reachThrough(proxy: Proxy, wanted: Wanted, deps: DialDeps): Promise<Reached> {
  const { request, target, before, steps } = wanted;
  const host = request.resolve?.[target.host] ?? target.host;
  // A name is for the proxy to resolve.
  if (isIP(host) !== 0) deps.networks.check(host, before);
  const isPublic = isIP(host) === 0 || deps.networks.isPublic(host);
  const { socket, address } = await blamingProxy(async () => {
    if (proxy.kind !== "https") return await reachHost(proxy.host, proxy.port, wanted, deps);
    const plain = async () => {
      const reached = await reachHost(proxy.host, proxy.port, wanted, deps);
      return { socket: reached.socket, place: { remoteAddress: reached.address, isPublic } };
    };
    const options = request.tls && { ca: request.tls.ca, insecure: request.tls.insecure };
    const made = await makeSecure(proxy.host, options, ["http/1.1"], plain, wanted, deps);
    if (made.error && !options?.insecure) {
      made.socket.destroy();
      throw new ExchangeFailure(made.error);
    }
    return { socket: made.socket, address: made.place.remoteAddress };
  });
  const isForwarded = !target.secure && proxy.kind !== "socks5";
  try {
    if (!isForwarded) await openTunnel(socket, proxy, host, target.port, steps);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return { socket, place: { remoteAddress: address, isPublic } };
}

async function reachHost(
  host: string,
  port: number,
  { request, timer, steps }: Wanted,
  { resolver, clock }: DialDeps,
  check: (address: string) => void = () => {},
): Promise<{ socket: Socket; address: string }> {
  timer.enter("dns");
  const found = await resolveHost(host, request.ipVersion ?? "auto", resolver, clock, steps);
  const addresses = allowed(found, check);
  if (!request.proxy) steps.addresses = addresses.map(({ address }) => address);
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
  options: HttpRequest["tls"],
  protocols: string[],
  plain: () => Promise<Reached>,
  { timer, steps }: Wanted,
  { clock, trust: store }: DialDeps,
): Promise<Secured & Pick<Reached, "place">> {
  let trust = store.get(name, options);
  for (let tries = 1;; tries++) {
    const { socket, place } = await plain();
    timer.enter("tls");
    const made = await secure(socket, name, protocols, trust, clock, steps);
    if (made.error?.class !== "tls_certificate_untrusted") return { ...made, place };
    const another = store.another(name, options, made.untrusted, trust);
    if (another === null || tries === MAX_TRUSTS) return { ...made, place };
    made.socket.destroy();
    trust = another;
  }
}

function alpn(version: HttpRequest["httpVersion"] = "1.1"): string[] {
  return version === "1.1" ? ["http/1.1"] : version === "2" ? ["h2"] : ["h2", "http/1.1"];
}

/** Tells a proxy that cannot be reached from a site that cannot. */
async function blamingProxy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ExchangeFailure ? atProxy(error.error) : error;
  }
}

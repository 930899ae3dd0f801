import { isIP } from "node:net";
import type { Clock } from "../../../runtime/clock.ts";
import type { HttpRequest } from "../types.ts";
import { connect } from "./connect.ts";
import { atProxy, ExchangeFailure } from "./failure.ts";
import type { Connection } from "./idle_connections.ts";
import type { PhaseTimer } from "./phase_timer.ts";
import { openTunnel, parseProxy, type Proxy } from "./proxy.ts";
import { type Address, resolveHost, type Resolver } from "./resolve.ts";
import { secure, type SecureContexts } from "./secure.ts";
import type { Steps } from "./steps.ts";
import type { Target } from "./target.ts";

/** What connections are made with. */
export interface DialDeps {
  clock: Clock;
  resolver: Resolver;
  contexts: SecureContexts;
}

/**
 * Makes a connection for the request: resolves, connects, through the proxy if there is one, and
 * makes it secure for https.
 *
 * @throws ExchangeFailure; no socket is left open then
 */
export async function dial(
  request: HttpRequest,
  target: Target,
  timer: PhaseTimer,
  deps: DialDeps,
  steps: Steps,
): Promise<Connection> {
  const proxy = request.proxy === undefined ? null : parseProxy(request.proxy);
  const replaced = request.resolve?.[target.host] ?? target.host;
  const host = proxy?.host ?? replaced;
  const { socket, address } = await markProxy(proxy, async () => {
    const addresses = await addressesOf(host, request, deps, steps);
    timer.enter("connect");
    if (!proxy) steps.addresses = addresses.map(({ address }) => address);
    const { clock } = deps;
    return await connect(addresses, proxy?.port ?? target.port, clock, steps, request.allowance);
  });
  const connection: Connection = {
    socket,
    tls: null,
    tlsError: null,
    remoteAddress: address,
  };
  try {
    if (proxy) await openTunnel(socket, proxy, replaced, target.port, steps);
    if (target.secure) {
      timer.enter("tls");
      const made = await secure(
        socket,
        target.host,
        request.tls,
        deps.contexts,
        deps.clock,
        steps,
      );
      connection.socket = made.socket;
      connection.tls = made.record;
      connection.tlsError = made.error;
    }
    return connection;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function addressesOf(
  host: string,
  request: HttpRequest,
  { resolver, clock }: DialDeps,
  steps: Steps,
): Promise<Address[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  return await resolveHost(host, request.ipVersion ?? "auto", resolver, clock, steps);
}

/** Tells a proxy that cannot be reached from a site that cannot. */
async function markProxy<T>(proxy: Proxy | null, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (proxy === null || !(error instanceof ExchangeFailure)) throw error;
    throw new ExchangeFailure(atProxy(error.error));
  }
}

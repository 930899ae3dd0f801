import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { NetworkRules } from "../networks.ts";
import { followRedirects } from "../redirects.ts";
import { type Resolver, systemResolver } from "../resolve.ts";
import { Steps } from "../steps.ts";
import type { HttpClient } from "../types.ts";
import { type HopDeps, runHop } from "./hop.ts";
import { IdleConnections } from "./idle_connections.ts";
import { TrustStore } from "./tls/trust.ts";

/** What the timed client is made of. */
export interface TimedClientDeps {
  clock?: Clock;
  resolver?: Resolver;
  networks?: NetworkRules;
  /** @default the machine's */
  trust?: TrustStore;
}

/** A client that keeps connections for requests with `reuseConnection`; to be closed at the end. */
export type TimedClient = HttpClient & { close(): void };

/**
 * A client that sees every phase: HTTP/1.1 and HTTP/2 over the runtime's own sockets and TLS. The URL's
 * path and host go out as written; each check makes its own connection and TLS session unless the
 * request says otherwise.
 */
export function createTimedClient(deps: TimedClientDeps = {}): TimedClient {
  const clock = deps.clock ?? systemClock;
  const hopDeps: HopDeps = {
    clock,
    resolver: deps.resolver ?? systemResolver,
    networks: deps.networks ?? new NetworkRules(),
    trust: deps.trust ?? new TrustStore(clock),
    idle: new IdleConnections(clock),
  };
  const client: HttpClient = async (first, signal) => {
    const steps = new Steps(signal);
    try {
      return await followRedirects(
        first,
        clock,
        (request, before) => runHop(request, before, hopDeps, steps),
      );
    } finally {
      steps.end();
    }
  };
  return Object.assign(client, { close: () => hopDeps.idle.close() });
}

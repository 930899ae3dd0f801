import { Buffer } from "node:buffer";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { VERSION } from "../../../runtime/version.ts";
import { redirectedRequest } from "../redirects.ts";
import type { Hop, HttpClient, HttpRecord, HttpRequest } from "../types.ts";
import { ACCEPT_ENCODING } from "./decode.ts";
import { type HopDeps, type HopOutcome, runHop } from "./hop.ts";
import { IdleConnections } from "./idle_connections.ts";
import { type Resolver, systemResolver } from "./resolve.ts";
import { SecureContexts } from "./secure.ts";
import { Steps } from "./steps.ts";

/** What the timed client is made of. */
export interface TimedClientDeps {
  clock?: Clock;
  resolver?: Resolver;
  /** @default "httpmon/<version>" */
  userAgent?: string;
}

/** A client that keeps connections for requests with `reuseConnection`; to be closed at the end. */
export type TimedClient = HttpClient & { close(): void };

/**
 * A client that sees every phase: HTTP/1.1 over the runtime's own sockets and TLS. The URL's path and
 * host go out as written; each check makes its own connection and TLS session unless the request
 * says otherwise.
 */
export function createTimedClient(deps: TimedClientDeps = {}): TimedClient {
  const hopDeps: HopDeps = {
    clock: deps.clock ?? systemClock,
    resolver: deps.resolver ?? systemResolver,
    contexts: new SecureContexts(),
    idle: new IdleConnections(),
    defaults: {
      userAgent: deps.userAgent ?? `httpmon/${VERSION}`,
      acceptEncoding: ACCEPT_ENCODING,
    },
  };
  const client: HttpClient = async (request, signal) => {
    const steps = new Steps(signal);
    try {
      return await exchange(request, hopDeps, steps);
    } finally {
      steps.end();
    }
  };
  return Object.assign(client, { close: () => hopDeps.idle.close() });
}

async function exchange(first: HttpRequest, deps: HopDeps, steps: Steps): Promise<HttpRecord> {
  const hops: Hop[] = [];
  let head: HopOutcome["head"] = null;
  let ms = 0;
  for (let request = first;;) {
    const outcome = await runHop(request, deps, steps);
    ms += outcome.ms;
    head = outcome.head ?? head;
    hops.push({ url: request.url, status: outcome.head?.status ?? null, ms: outcome.ms });
    if (outcome.location === null) return record(outcome, head, hops, ms, steps.addresses);
    const { status } = outcome.head!;
    const next = redirectedRequest(request, status, utf8(outcome.location), hops.length - 1);
    if ("error" in next) {
      return record({ ...outcome, error: next.error }, head, hops, ms, steps.addresses);
    }
    request = next.request;
  }
}

function record(
  last: HopOutcome,
  head: HopOutcome["head"],
  hops: Hop[],
  ms: number,
  addresses: readonly string[] | null,
): HttpRecord {
  return {
    status: head?.status ?? null,
    statusText: head?.statusText ?? "",
    headers: head?.headers ?? [],
    httpVersion: head?.httpVersion ?? null,
    body: last.body,
    bodyTruncated: last.truncated,
    error: last.error,
    ms,
    hops,
    phases: last.phases,
    remoteAddress: last.connection?.remoteAddress ?? null,
    ...(addresses && { addresses }),
    tls: last.connection?.tls ?? null,
  };
}

/** Headers come as latin1; a Location beyond ASCII is meant as UTF-8, as browsers take it. */
function utf8(location: string): string {
  const decoded = Buffer.from(location, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? location : decoded;
}

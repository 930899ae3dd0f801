import { systemClock } from "../../../runtime/clock.ts";
import { ExchangeFailure, failure, httpError } from "../errors.ts";
import { type Before, NetworkRules } from "../networks.ts";
import { followRedirects, type HopOutcome, redirectOf } from "../redirects.ts";
import { systemResolver } from "../resolve.ts";
import { Steps } from "../steps.ts";
import { parseTarget, type Target } from "../target.ts";
import type { HttpClient, ResponseHead, WholeRequest } from "../types.ts";
import { keep } from "../../bounded_map.ts";
import { dial, type DialDeps, type Wanted } from "./dial.ts";
import { closeConnection, type Connection, IdleConnections } from "./idle_connections.ts";
import { PhaseTimer } from "./phase_timer.ts";
import { proxyFailure } from "./proxy.ts";
import { Http2Reader, openSession } from "./read/http2.ts";
import type { Reader, ReaderOptions } from "./read/reader.ts";
import { ResponseReader } from "./read/response_reader.ts";
import { encodeRequest, http2Headers } from "./request_head.ts";
import { TrustStore } from "./tls/trust.ts";

/** A client that keeps connections for requests with `reuseConnection`; to be closed at the end. */
export type TimedClient = HttpClient & { close(): void };

/**
 * A client that sees every phase: HTTP/1.1 and HTTP/2 over the runtime's own sockets and TLS. The URL's
 * path and host go out as written; each check makes its own connection and TLS session unless the
 * request says otherwise.
 */
export function createTimedClient(deps: Partial<DialDeps> = {}): TimedClient {
  const { clock = systemClock } = deps;
  const idle = new IdleConnections(clock);
  const hopDeps: HopDeps = {
    clock,
    resolver: systemResolver,
    networks: new NetworkRules(),
    trust: new TrustStore(clock),
    idle,
    targets: new Map(),
    ...deps,
  };
  const client: HttpClient = async (first, signal) => {
    const steps = new Steps(signal);
    try {
      const runHop = (request: WholeRequest, before: Before) =>
        new Hop(request, before, hopDeps, steps).run();
      return await followRedirects(first, clock, runHop);
    } finally {
      steps.end();
    }
  };
  return Object.assign(client, { close: () => idle.close() });
}

/** What hops are made with. */
interface HopDeps extends DialDeps {
  idle: IdleConnections;
  /** URLs that were taken apart. */
  targets: Map<string, Target>;
}

/** Makes one request and reads its response; its socket is closed or kept for reuse. */
class Hop implements Wanted {
  request: WholeRequest;
  readonly before: Before;
  readonly deps: HopDeps;
  readonly steps: Steps;
  readonly timer: PhaseTimer;
  addresses: readonly string[] | null = null;
  #connection: Connection | null = null;
  #reader: Reader | null = null;
  #key: string | null = null;

  constructor(request: WholeRequest, before: Before, deps: HopDeps, steps: Steps) {
    this.request = request;
    this.before = before;
    this.deps = deps;
    this.steps = steps;
    this.timer = new PhaseTimer(deps.clock);
  }

  /** Never rejects. */
  async run(): Promise<HopOutcome> {
    let error: HopOutcome["error"] = null;
    try {
      const { deps: { targets }, request: { url } } = this;
      await this.#exchangeAny(targets.get(url) ?? keep(targets, url, parseTarget(url)));
    } catch (thrown) {
      error = thrown instanceof ExchangeFailure
        ? thrown.error
        : httpError("not_made", thrown instanceof Error ? thrown.message : String(thrown));
      this.timer.stop();
    }
    this.#letGo(error === null);
    return {
      head: this.#reader?.head ?? null,
      body: this.#reader?.body ?? new Uint8Array(0),
      bodyTruncated: this.#reader?.truncated ?? false,
      isPublic: this.#connection?.isPublic ?? false,
      error,
      ms: this.timer.ms,
      phases: this.timer.phases,
      remoteAddress: this.#connection?.remoteAddress ?? null,
      ...(this.addresses && { addresses: this.addresses }),
      tls: this.#connection?.tls ?? null,
    };
  }

  /** Over a connection that is there, or a new one. */
  async #exchangeAny(target: Target): Promise<void> {
    this.#key = this.deps.idle.key(this.request, target);
    this.#connection = this.#key === null ? null : this.deps.idle.take(this.#key);
    try {
      if (this.#connection) return await this.#exchange(this.#connection, target);
    } catch (error) {
      if (!this.#closedWhileIdle(error)) throw error;
    }
    try {
      await this.#exchangeAnew(target);
    } catch (error) {
      const isForHttp1 = this.#reader instanceof Http2Reader && this.#reader.needsHttp1;
      if (!isForHttp1 || this.request.httpVersion === "2") throw error;
      this.request = { ...this.request, httpVersion: "1.1" };
      await this.#exchangeAnew(target);
    }
  }

  async #exchangeAnew(target: Target): Promise<void> {
    if (this.#connection) closeConnection(this.#connection);
    this.#connection = null;
    this.#connection = await dial(this, target);
    await this.#exchange(this.#connection, target);
  }

  async #exchange(connection: Connection, target: Target): Promise<void> {
    // Nothing is sent to a site that does not prove who it is.
    if (connection.tlsError && !this.request.tls?.insecure) {
      throw new ExchangeFailure(connection.tlsError);
    }
    const { timer } = this;
    timer.enter("firstByte");
    const reader = this.#send(connection, target, {
      readBodyBytes: this.request.readBodyBytes,
      allowance: this.request.allowance,
      bodyOf: (head) => this.#bodyOf(head),
      onFirstByte: () => timer.enter("download"),
      onLastByte: () => timer.stop(),
    });
    this.#reader = reader;
    await this.steps.run<void>(
      "waiting for the response",
      (resolve, reject) => reader.start(resolve, reject),
    );
    if (connection.forwards && reader.head?.status === 407) {
      throw proxyFailure("not_made", "it asks for a login");
    }
  }

  #send(connection: Connection, target: Target, options: ReaderOptions): Reader {
    const { socket, isHttp2, forwards } = connection;
    if (!isHttp2) {
      socket.write(encodeRequest(this.request, target, forwards));
      return new ResponseReader(socket, options);
    }
    const { body } = this.request;
    const session = connection.session ??= openSession(socket, target.authority);
    const headers = http2Headers(this.request, target);
    // A session that has just ended cannot be asked any more.
    if (session.closed || session.destroyed) throw failure("connection_reset");
    const stream = session.request(headers, { endStream: !body });
    if (body) stream.end(body);
    return new Http2Reader(session, stream, options);
  }

  #bodyOf(head: ResponseHead): "read" | "skip" | "none" {
    if (this.request.method === "HEAD") return "none";
    return redirectOf(this.request, head) === null ? "read" : "skip";
  }

  /** A site may close an idle connection just as we send; that is no fault of its own. */
  #closedWhileIdle(error: unknown): boolean {
    return error instanceof ExchangeFailure && error.error.class === "connection_reset" &&
      this.#reader?.started !== true;
  }

  #letGo(ok: boolean): void {
    if (this.#connection === null) return;
    const reusable = ok && this.#key !== null && this.#reader?.reusable === true;
    if (reusable) this.deps.idle.put(this.#key!, this.#connection, this.request.allowance);
    else closeConnection(this.#connection);
  }
}

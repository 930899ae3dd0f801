import { ExchangeFailure, failure, httpError } from "../errors.ts";
import type { Before } from "../networks.ts";
import { type HopOutcome, redirectOf } from "../redirects.ts";
import type { Steps } from "../steps.ts";
import { parseTarget, type Target } from "../target.ts";
import type { ResponseHead, WholeRequest } from "../types.ts";
import { dial, type DialDeps, type Wanted } from "./dial.ts";
import { Http2Reader, openSession } from "./read/http2.ts";
import { closeConnection, type Connection, type IdleConnections } from "./idle_connections.ts";
import { PhaseTimer } from "./phase_timer.ts";
import { proxyFailure } from "./proxy.ts";
import type { Reader, ReaderOptions } from "./read/reader.ts";
import { encodeRequest, http2Headers } from "./request_head.ts";
import { ResponseReader } from "./read/response_reader.ts";

/** What hops are made with. */
export interface HopDeps extends DialDeps {
  idle: IdleConnections;
}

/** Makes one request and reads its response. Never rejects; its socket is closed or kept for reuse. */
export async function runHop(
  request: WholeRequest,
  before: Before,
  deps: HopDeps,
  steps: Steps,
): Promise<HopOutcome> {
  const hop = new OneHop(request, before, deps, steps);
  let error: HopOutcome["error"] = null;
  try {
    await hop.run();
  } catch (thrown) {
    error = thrown instanceof ExchangeFailure
      ? thrown.error
      : httpError("not_made", thrown instanceof Error ? thrown.message : String(thrown));
    hop.timer.stop();
  }
  hop.end(error === null);
  const { reader, connection, timer, addresses } = hop;
  return {
    head: reader?.head ?? null,
    body: reader?.body ?? new Uint8Array(0),
    bodyTruncated: reader?.truncated ?? false,
    isPublic: connection?.isPublic ?? false,
    error,
    ms: timer.ms,
    phases: timer.phases,
    remoteAddress: connection?.remoteAddress ?? null,
    ...(addresses && { addresses }),
    tls: connection?.tls ?? null,
  };
}

class OneHop implements Wanted {
  request: WholeRequest;
  readonly before: Before;
  readonly deps: HopDeps;
  readonly steps: Steps;
  readonly timer: PhaseTimer;
  addresses: readonly string[] | null = null;
  connection: Connection | null = null;
  reader: Reader | null = null;
  #key: string | null = null;

  constructor(request: WholeRequest, before: Before, deps: HopDeps, steps: Steps) {
    this.request = request;
    this.before = before;
    this.deps = deps;
    this.steps = steps;
    this.timer = new PhaseTimer(deps.clock);
  }

  async run(): Promise<void> {
    const target = parseTarget(this.request.url);
    this.#key = this.deps.idle.key(this.request, target);
    this.connection = this.#key === null ? null : this.deps.idle.take(this.#key);
    if (this.connection) {
      try {
        return await this.#exchange(this.connection, target);
      } catch (error) {
        if (!this.#closedWhileIdle(error)) throw error;
      }
    }
    try {
      await this.#exchangeAnew(target);
    } catch (error) {
      const isForHttp1 = this.reader instanceof Http2Reader && this.reader.needsHttp1;
      if (!isForHttp1 || this.request.httpVersion === "2") throw error;
      this.request = { ...this.request, httpVersion: "1.1" };
      await this.#exchangeAnew(target);
    }
  }

  async #exchangeAnew(target: Target): Promise<void> {
    if (this.connection) closeConnection(this.connection);
    this.connection = null;
    this.connection = await dial(this, target);
    await this.#exchange(this.connection, target);
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
    this.reader = reader;
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
      this.reader?.started !== true;
  }

  end(ok: boolean): void {
    if (this.connection === null) return;
    const reusable = ok && this.#key !== null && this.reader?.reusable === true;
    if (reusable) this.deps.idle.put(this.#key!, this.connection, this.request.allowance);
    else closeConnection(this.connection);
  }
}

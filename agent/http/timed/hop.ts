import { DEFAULT_MAX_BODY_BYTES } from "../body_buffer.ts";
import { httpError } from "../errors.ts";
import { isRedirect } from "../redirects.ts";
import type { HttpError, HttpRequest, Phases } from "../types.ts";
import { dial, type DialDeps } from "./dial.ts";
import { ExchangeFailure } from "./failure.ts";
import type { Connection, IdleConnections } from "./idle_connections.ts";
import { PhaseTimer } from "./phase_timer.ts";
import { encodeRequest, type RequestDefaults } from "./request_head.ts";
import type { ResponseHead } from "./response_parser.ts";
import { ResponseReader } from "./response_reader.ts";
import type { Steps } from "./steps.ts";
import { parseTarget, type Target } from "./target.ts";

/** What hops are made with. */
export interface HopDeps extends DialDeps {
  idle: IdleConnections;
  defaults: RequestDefaults;
}

/** What one request brought, also when it failed. */
export interface HopOutcome {
  head: ResponseHead | null;
  /** Where to go on to, if the response is a redirect to be followed. */
  location: string | null;
  body: Uint8Array;
  truncated: boolean;
  connection: Connection | null;
  error: HttpError | null;
  phases: Phases;
  ms: number;
}

/** Makes one request and reads its response. Never rejects; its socket is closed or kept for reuse. */
export async function runHop(
  request: HttpRequest,
  deps: HopDeps,
  steps: Steps,
): Promise<HopOutcome> {
  const hop = new OneHop(request, deps, steps);
  let error: HttpError | null = null;
  try {
    await hop.run();
  } catch (thrown) {
    error = thrown instanceof ExchangeFailure
      ? thrown.error
      : httpError("not_made", thrown instanceof Error ? thrown.message : String(thrown));
    hop.timer.stop();
  }
  hop.end(error === null);
  const { reader, connection, timer } = hop;
  return {
    head: reader?.head ?? null,
    location: error === null && reader?.head ? hop.redirectOf(reader.head) : null,
    body: reader?.body ?? new Uint8Array(0),
    truncated: reader?.truncated ?? false,
    connection,
    error,
    phases: timer.phases,
    ms: timer.ms,
  };
}

class OneHop {
  readonly timer: PhaseTimer;
  connection: Connection | null = null;
  reader: ResponseReader | null = null;
  #key: string | null = null;
  readonly #request: HttpRequest;
  readonly #deps: HopDeps;
  readonly #steps: Steps;

  constructor(request: HttpRequest, deps: HopDeps, steps: Steps) {
    this.timer = new PhaseTimer(deps.clock);
    this.#request = request;
    this.#deps = deps;
    this.#steps = steps;
  }

  async run(): Promise<void> {
    const target = parseTarget(this.#request.url);
    const bytes = encodeRequest(this.#request, target, this.#deps.defaults);
    this.#key = this.#deps.idle.key(this.#request, target);
    const kept = this.#key === null ? null : this.#deps.idle.take(this.#key);
    if (kept) {
      this.connection = kept;
      try {
        return await this.#exchange(kept, bytes);
      } catch (error) {
        if (!this.#closedWhileIdle(error)) throw error;
        kept.socket.destroy();
        this.timer.enter("dns");
      }
    }
    await this.#exchange(await this.#connect(target), bytes);
  }

  async #connect(target: Target): Promise<Connection> {
    const connection = await dial(this.#request, target, this.timer, this.#deps, this.#steps);
    this.connection = connection;
    return connection;
  }

  async #exchange(connection: Connection, bytes: Uint8Array | string): Promise<void> {
    // Nothing is sent to a site that does not prove who it is.
    if (connection.tlsError && !this.#request.tls?.insecure) {
      throw new ExchangeFailure(connection.tlsError);
    }
    const { timer } = this;
    timer.enter("firstByte");
    const reader = new ResponseReader(connection.socket, {
      maxBodyBytes: this.#request.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
      allowance: this.#request.allowance,
      bodyOf: (head) =>
        this.#request.method === "HEAD" ? "none" : this.redirectOf(head) === null ? "read" : "skip",
      onFirstByte: () => timer.enter("download"),
      onLastByte: () => timer.stop(),
    });
    this.reader = reader;
    connection.socket.write(bytes);
    await this.#steps.run<void>(
      "waiting for the response",
      (resolve, reject) => reader.start(resolve, reject),
    );
  }

  redirectOf({ status, headers }: ResponseHead): string | null {
    if (this.#request.followRedirects === false) return null;
    const location = headers.find(([name]) => name === "location")?.[1] ?? null;
    return isRedirect(status, location) ? location : null;
  }

  /** A site may close an idle connection just as we send; that is no fault of its own. */
  #closedWhileIdle(error: unknown): boolean {
    return error instanceof ExchangeFailure && error.error.class === "connection_reset" &&
      this.reader?.started === false;
  }

  end(ok: boolean): void {
    if (this.connection === null) return;
    const reusable = ok && this.#key !== null && this.reader?.reusable === true;
    if (reusable) this.#deps.idle.put(this.#key!, this.connection, this.#request.allowance);
    else this.connection.socket.destroy();
  }
}

import { type Clock, systemClock } from "../../runtime/clock.ts";
import { VERSION } from "../../runtime/version.ts";
import { BodyBuffer, DEFAULT_MAX_BODY_BYTES } from "./body_buffer.ts";
import { classifyError } from "./classify.ts";
import { abortError, httpError } from "./errors.ts";
import { isRedirect, redirectedRequest } from "./redirects.ts";
import { askForRoot, type RootQuestion } from "./root_question.ts";
import type { Hop, HttpClient, HttpError, HttpRecord, HttpRequest } from "./types.ts";

/** What the platform's client is made of. */
export interface PlatformFetchDeps {
  /** @default the platform's own, over a new connection each time */
  fetch?: typeof fetch;
  clock?: Clock;
  /** @default asks the machine's resolver */
  answersForRoot?: RootQuestion;
  /** @default "httpmon/<version>" */
  userAgent?: string;
}

/**
 * A client over the platform's own fetch: HTTP/2 where the site has it, no phases, no certificate.
 * The URL goes out as fetch normalises it. Redirects are followed here rather than by fetch, so that
 * each hop is seen and both clients keep to the same rules.
 */
export function createPlatformFetchClient(deps: PlatformFetchDeps = {}): HttpClient {
  const send = deps.fetch ?? fetchOverNewConnections();
  const userAgent = deps.userAgent ?? `httpmon/${VERSION}`;
  const clock = deps.clock ?? systemClock;
  const answersForRoot = deps.answersForRoot ?? askForRoot;
  return async (request, signal) => {
    const exchange = new Exchange(send, userAgent, clock, signal);
    await exchange.run(request);
    const record = exchange.record();
    if (record.error?.class === "resolver_silent" && await answersForRoot()) {
      record.error = httpError(
        "dns_failed",
        "The servers of the name do not answer, or not properly",
      );
    }
    return record;
  };
}

/** One exchange, hop by hop; what is known so far is in its fields. */
class Exchange {
  readonly #start: number;
  readonly #hops: Hop[] = [];
  #response: Response | null = null;
  #body = new BodyBuffer(0);
  #error: HttpError | null = null;
  readonly #send: typeof fetch;
  readonly #userAgent: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;

  constructor(send: typeof fetch, userAgent: string, clock: Clock, signal: AbortSignal) {
    this.#send = send;
    this.#userAgent = userAgent;
    this.#clock = clock;
    this.#start = clock.monotonic();
    this.#signal = signal;
  }

  async run(first: HttpRequest): Promise<void> {
    this.#error = unsupported(first);
    let request: HttpRequest | null = this.#error ? null : first;
    while (request !== null) request = await this.#hop(request);
  }

  /** Makes one request; gives the next one where the answer is a redirect to follow. */
  async #hop(request: HttpRequest): Promise<HttpRequest | null> {
    const start = this.#clock.monotonic();
    let status: number | null = null;
    try {
      const response = await this.#fetch(request);
      this.#response = response;
      status = response.status;
      const location = response.headers.get("location");
      if ((request.followRedirects ?? true) && location !== null && isRedirect(status, location)) {
        discard(response);
        const next = redirectedRequest(request, status, location, this.#hops.length);
        if ("request" in next) return next.request;
        this.#error = next.error;
        return null;
      }
      this.#body = new BodyBuffer(
        request.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
        request.allowance,
      );
      await readBody(response, this.#body);
    } catch (error) {
      this.#error = this.#signal.aborted
        ? abortError(this.#signal)
        : classifyError(error, status === null ? "head" : "body");
    } finally {
      this.#hops.push({ url: request.url, status, ms: this.#clock.monotonic() - start });
    }
    return null;
  }

  #fetch(request: HttpRequest): Promise<Response> {
    const headers = new Headers({ "user-agent": this.#userAgent });
    const given = new Set<string>();
    for (const [name, value] of request.headers ?? []) {
      // The first of a name replaces the default, repeats are added to it.
      if (given.has(name.toLowerCase())) headers.append(name, value);
      else headers.set(name, value);
      given.add(name.toLowerCase());
    }
    return this.#send(request.url, {
      method: request.method ?? "GET",
      headers,
      body: request.body as Uint8Array<ArrayBuffer> | undefined,
      redirect: "manual",
      signal: this.#signal,
    });
  }

  record(): HttpRecord {
    const response = this.#response;
    return {
      status: response?.status ?? null,
      statusText: response?.statusText ?? "",
      headers: response ? [...response.headers] : [],
      httpVersion: null,
      body: this.#body.bytes(),
      bodyTruncated: this.#body.truncated,
      error: this.#error,
      ms: this.#clock.monotonic() - this.#start,
      hops: this.#hops,
      phases: null,
      remoteAddress: null,
      tls: null,
    };
  }
}

/** Reads up to the cap; what comes beyond is not waited for. */
async function readBody(response: Response, body: BodyBuffer): Promise<void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (!body.add(value)) {
      reader.cancel().catch(() => {});
      return;
    }
  }
}

function discard(response: Response): void {
  response.body?.cancel().catch(() => {});
}

/** Says which of the request's options fetch has no way to honour. */
function unsupported(request: HttpRequest): HttpError | null {
  const { ipVersion = "auto", resolve, proxy, reuseConnection, tls } = request;
  const url = URL.parse(request.url);
  if (url === null) return httpError("not_made", "The URL is not valid");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return httpError("not_made", `The URL has the scheme "${url.protocol.slice(0, -1)}"`);
  }
  const option = ipVersion !== "auto"
    ? "ip_version"
    : resolve !== undefined
    ? "resolve"
    : proxy !== undefined
    ? "proxy"
    : reuseConnection
    ? "connection: reuse"
    : tls !== undefined
    ? "tls"
    : null;
  if (option === null) return null;
  return httpError("not_made", `The platform's fetch has no "${option}"; use the timed client`);
}

/** What is used of Deno, where it is there. */
interface DenoLike {
  createHttpClient(options: { poolMaxIdlePerHost: number }): unknown;
}

/**
 * The platform's fetch without connections kept for later: a check that finds a connection open
 * proves less than one that has to make it. Deno has a client without a pool for it, and would take
 * a connection from its pool whatever the headers say; Node heeds "connection: close".
 */
function fetchOverNewConnections(): typeof fetch {
  const deno = (globalThis as { Deno?: Partial<DenoLike> }).Deno;
  if (typeof deno?.createHttpClient === "function") {
    const client = deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const extra: object = { client };
    return (url, init) => fetch(url, { ...init, ...extra });
  }
  return (url, init) => {
    const headers = new Headers(init?.headers);
    headers.set("connection", "close");
    return fetch(url, { ...init, headers });
  };
}

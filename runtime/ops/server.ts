import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostPort } from "../host_port.ts";
import type { Listen } from "../../config/types.ts";
import { UsageError } from "../cli/exit_codes.ts";
import type { Logger } from "../log/log.ts";

/** A request for one of the further pages. */
export interface OpsRequest {
  query: URLSearchParams;
  /** Names in lower case. */
  headers: IncomingMessage["headers"];
}

/** What is answered. */
export interface OpsPage {
  status: number;
  /** The Content-Type. */
  type: string;
  text: string;
}

/** What is served. */
export interface OpsSources {
  /** Further pages, by path: "/probe". */
  pages?: Readonly<Record<string, (request: OpsRequest) => Promise<OpsPage>>>;
  metrics: { contentType: string; text(): Promise<string> };
  /** Why the process should be started anew; nothing where it is well. */
  unhealthy: () => readonly string[];
  /** Why the process does not do its work now; nothing where it does. */
  unready: () => readonly string[];
}

export interface OpsServerOptions extends OpsSources {
  /** Port 0 takes a free one. */
  listen: Listen;
  /** The config's key, for messages: "agent.listen". */
  setting: string;
  log: Logger;
  /** A scraper that has not sent its request within this is cut off. @default 5,000 */
  requestWithinMs?: number;
}

export interface OpsServer {
  /** Where it listens; the port is the real one. */
  readonly address: Listen;
  /** Stops at once, whatever requests are under way. */
  close(): Promise<void>;
}

/** Shorter than the time between two scrapes: no connection stays for them. */
const KEEP_ALIVE_MS = 5_000;
const MAX_CONNECTIONS = 32;
/** Where a page is scraped for each of many targets at a time. */
const MAX_CONNECTIONS_OF_PAGES = 1_000;
const MAX_HEADER_BYTES = 16 * 1024;

const TEXT = "text/plain; charset=utf-8";

function pathsOf(pages: OpsSources["pages"] = {}): string {
  const paths = ["/metrics", "/healthz", "/readyz", ...Object.keys(pages)];
  return `${paths.slice(0, -1).join(", ")} and ${paths.at(-1)}`;
}

/**
 * Serves /metrics (Prometheus's text format), /healthz (200 while the process is well) and /readyz
 * (200 while it does its work); the last two say 503 otherwise, with the reasons as JSON.
 *
 * @throws {UsageError} Where it cannot listen there
 */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const { listen, setting, log, requestWithinMs = 5_000 } = options;
  const server = createServer({
    requestTimeout: requestWithinMs,
    headersTimeout: requestWithinMs,
    connectionsCheckingInterval: requestWithinMs / 5,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  }, (request, response) => {
    answer(request, response, options).catch((error) => {
      log.error({ error, path: request.url }, "A request for metrics or health failed");
      if (response.headersSent) response.destroy();
      else send(request, response, 500, TEXT, "Failed; see the log\n");
    });
  });
  server.maxConnections = options.pages ? MAX_CONNECTIONS_OF_PAGES : MAX_CONNECTIONS;
  const address = await listening(server, listen, setting);
  server.on("error", (error) => log.error({ error }, "The server of metrics and health failed"));
  log.notice({ address: `http://${hostPort(address)}` }, `Serving ${pathsOf()}`);
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Listens there. @param setting The config's key, for messages
 *
 * @returns Where it listens; the port is the real one
 * @throws {UsageError} Where it cannot
 */
export function listening(
  server: Server,
  { host, port }: Listen,
  setting: string,
): Promise<Listen> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: Error & { code?: string }) => {
      const why = WHY[error.code ?? ""] ?? error.message;
      const message = `Cannot listen on ${hostPort({ host, port })} ("${setting}"): ${why}`;
      reject(new UsageError(message, { cause: error }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}

const ELSEWHERE = "this machine has no such address; name one that it has";

/** Deno answers EINVAL where Node answers EADDRNOTAVAIL. */
const WHY: Record<string, string> = {
  EADDRINUSE: "another program listens there; stop that one, or name another port",
  EACCES: "this user may not listen there; name a port over 1023",
  EADDRNOTAVAIL: ELSEWHERE,
  EINVAL: ELSEWHERE,
  EAFNOSUPPORT: ELSEWHERE,
  ENOTFOUND: ELSEWHERE,
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, unhealthy, unready, pages = {} }: OpsSources,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return send(request, response, 405, TEXT, "Only GET and HEAD are answered\n");
  }
  const [path = "", ...query] = (request.url ?? "").split("?");
  if (Object.hasOwn(pages, path)) {
    const { status, type, text } = await pages[path]!({
      query: new URLSearchParams(query.join("?")),
      headers: request.headers,
    });
    return send(request, response, status, type, text);
  }
  switch (path) {
    case "/metrics":
      return send(request, response, 200, metrics.contentType, await metrics.text());
    case "/healthz":
      return sendState(request, response, unhealthy());
    case "/readyz":
      return sendState(request, response, unready());
    default:
      return send(request, response, 404, TEXT, `Not here; there are ${pathsOf(pages)}\n`);
  }
}

function sendState(
  request: IncomingMessage,
  response: ServerResponse,
  reasons: readonly string[],
): void {
  const well = reasons.length === 0;
  const body = well ? { status: "ok" } : { status: "unavailable", reasons };
  send(request, response, well ? 200 : 503, "application/json", `${JSON.stringify(body)}\n`);
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
): void {
  const body = new TextEncoder().encode(text);
  response.writeHead(status, {
    "content-type": type,
    "content-length": body.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(method === "HEAD" ? undefined : body);
}

import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { makeCertificates } from "./certificates.ts";
import { freePort } from "./ports.ts";

const SLOW_MS = 700;
const CHUNK_MS = 60;
const PERIOD_S = 30;
const DOWN_S = 12;
const PAGE = `<!doctype html><title>Sample</title>\n<h1>All systems go</h1>\n`;

/** A site that behaves in one certain way. */
export interface SampleSite {
  name: string;
  url: string;
  /** What it does, for a person. */
  does: string;
  /** What a check should find; null where it changes. */
  expected: "up" | "down" | null;
  /** What a config should say of it, in the config's own words; times in seconds. */
  settings: { frequency: number; timeout: number; regex?: string };
}

export interface SampleSites {
  readonly sites: readonly SampleSite[];
  /** Ends every connection, the hanging ones too. */
  close(): Promise<void>;
}

/** What one path does, given how often it has been asked for before. */
type Behaviour = (response: ServerResponse, count: number) => void;

const GREETING = { regex: "All systems (go|nominal)" };

/**
 * Starts sample sites on loopback ports.
 *
 * @param folder for the certificate files of the TLS one.
 */
export async function startSites(folder: string): Promise<SampleSites> {
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const later = (ms: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };
  const { serverCert, serverKey } = await makeCertificates(folder);
  const plain = createServer(answering(behaviours(later)));
  const tls = createTlsServer(
    { cert: await readFile(serverCert), key: await readFile(serverKey) },
    (_request, response) => page(response),
  );
  const port = await listen(plain);
  const tlsPort = await listen(tls);
  const closedPort = await freePort();
  return {
    sites: siteList(`http://127.0.0.1:${port}`, tlsPort, closedPort),
    async close() {
      for (const timer of timers) clearTimeout(timer);
      await Promise.all([plain, tls].map(closeServer));
    },
  };
}

function siteList(origin: string, tlsPort: number, closedPort: number): SampleSite[] {
  const site = (
    name: string,
    expected: SampleSite["expected"],
    does: string,
    settings: Partial<SampleSite["settings"]> = {},
    url = `${origin}/${name}`,
  ) => ({ name, url, does, expected, settings: { frequency: 1, timeout: 2, ...settings } });
  return [
    site("fine", "up", "answers at once", GREETING),
    site("slow", "up", `takes ${SLOW_MS} ms`, { frequency: 2 }),
    site("gzip", "up", "sends its page compressed", GREETING),
    site("chunked", "up", "sends its page in pieces", { frequency: 2, ...GREETING }),
    site("redirect", "up", "sends on to another page", GREETING),
    site("flaky", null, "answers 503 every third time"),
    site("restarts", null, `is down for ${DOWN_S} of ${PERIOD_S} seconds`),
    site("error", "down", "answers 500"),
    site("regex-miss", "down", "answers without the text that is looked for", GREETING),
    site("hang", "down", "takes the request and never answers", { frequency: 2, timeout: 1 }),
    site("reset", "down", "resets the connection"),
    site("refused", "down", "listens on nothing", {}, `http://127.0.0.1:${closedPort}/`),
    site("tls", "down", "has an untrusted certificate", {}, `https://127.0.0.1:${tlsPort}/`),
  ];
}

/** So that it is down after a while, and up again. */
function restarting(): Behaviour {
  const start = performance.now();
  return (response) => {
    const seconds = (performance.now() - start) / 1_000 % PERIOD_S;
    if (seconds > PERIOD_S - DOWN_S) failure(response, 503);
    else page(response);
  };
}

function behaviours(later: (ms: number, run: () => void) => void): Record<string, Behaviour> {
  return {
    fine: page,
    slow: (response) => later(SLOW_MS, () => page(response)),
    gzip(response) {
      response.writeHead(200, { "content-type": "text/html", "content-encoding": "gzip" });
      response.end(gzipSync(PAGE));
    },
    chunked(response) {
      response.writeHead(200, { "content-type": "text/html" });
      const pieces = PAGE.match(/.{1,16}/gs) ?? [];
      const next = () => {
        const piece = pieces.shift();
        if (piece === undefined) return response.end();
        response.write(piece);
        later(CHUNK_MS, next);
      };
      next();
    },
    redirect: (response) => response.writeHead(302, { location: "/fine" }).end(),
    flaky: (response, count) => count % 3 === 2 ? failure(response, 503) : page(response),
    error: (response) => failure(response, 500),
    restarts: restarting(),
    "regex-miss": (response) => response.end("<h1>Closed for maintenance</h1>\n"),
    hang: () => {},
    reset: (response) => response.socket?.resetAndDestroy(),
  };
}

function answering(all: Record<string, Behaviour>) {
  const counts = new Map<string, number>();
  return (request: { url?: string }, response: ServerResponse) => {
    const name = request.url?.slice(1) ?? "";
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const behaviour = Object.hasOwn(all, name) ? all[name]! : null;
    if (behaviour) behaviour(response, count);
    else failure(response, 404);
  };
}

function page(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/html", "content-length": PAGE.length });
  response.end(PAGE);
}

function failure(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`Sample of a ${status}\n`);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

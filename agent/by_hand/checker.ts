import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Config, Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import { askWithin } from "../check/ask_within.ts";
import { check, type CheckDeps } from "../check/check.ts";
import { checkKit } from "../check/check_kit.ts";
import { siteRequest } from "../check/site_requests.ts";
import { createClients } from "../clients.ts";
import { Limiter } from "../condition/limiter.ts";
import type { HttpClient, HttpRequest } from "../http/types.ts";
import { Inspector } from "../inspect/inspector.ts";

/** Stands for the agent in a result that no agent made, where the config names none. */
const NO_AGENT = "00000000-0000-0000-0000-000000000000";

/** A check connects to no more addresses at a time. */
const MAX_SOCKETS = 8;

/** Checks sites outside of any schedule. */
export function checker(
  agent: Config["agent"],
  clock: Clock,
  onInspectionFailed: (error: string) => void = () => {},
) {
  const clients = createClients(clock, agent);
  const inspector = new Inspector(clock, 1);
  const kit = checkKit({
    config: agent,
    agentUUID: agent.uuid ?? NO_AGENT,
    clients,
    clock,
    places: new Limiter(MAX_SOCKETS),
    maxBodyBytes: Infinity,
    inspector,
  });
  const deps: CheckDeps = {
    ...kit,
    timestamp: () => BigInt(clock.now()) * 1_000n,
    onInspectionFailed: (_, error) => onInspectionFailed(error),
  };
  return {
    warm(site: Site, signal: AbortSignal): Promise<void> {
      const { tls } = siteRequest(site);
      return warmUp(clients[site.client], site.client === "timed" ? { tls } : {}, clock, signal);
    },
    run: (site: Site, signal: AbortSignal) => check(site, signal, deps),
    async close(): Promise<void> {
      kit.loop.stop();
      kit.requests.close();
      clients.timed.close();
      await inspector.close();
    },
  };
}

const LIMIT_MS = 1_000;
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/**
 * Makes the runtime load and compile what a first request needs, so that the first check of a process
 * measures the site: unprepared, a connection takes some 20 ms longer, and TLS some 200 ms, to read
 * the trusted roots. Asks a server of its own on the loopback; nothing is sent elsewhere.
 *
 * @param request The one to come; of it only the TLS options are used
 */
export async function warmUp(
  client: HttpClient,
  { tls }: Pick<HttpRequest, "tls">,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    // A TLS handshake gets it as well, and ends by it.
    socket.once("data", () => socket.end(ANSWER));
  });
  try {
    await once(server.listen(0, "127.0.0.1"), "listening");
  } catch {
    return; // A machine that lets nobody listen goes without.
  }
  const { port } = server.address() as AddressInfo;
  const ask = (url: string) => askWithin(client, { url, tls }, LIMIT_MS, signal, clock);
  await ask(`http://127.0.0.1:${port}/`);
  await ask(`https://127.0.0.1:${port}/`);
  for (const socket of sockets) socket.destroy();
  await once(server.close(), "close");
}

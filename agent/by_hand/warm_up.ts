import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { askWithin } from "../check/ask_within.ts";
import type { HttpClient, HttpRequest } from "../http/types.ts";

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

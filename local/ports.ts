import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the range that systems hand out for outgoing connections (from 32768 on Linux, 49152 on
 * macOS). A port out of that range could be taken by any client while our server is down, and a client
 * that keeps trying a closed one there will, in time, connect to itself.
 */
const FIRST = 15_000;
const LAST = 32_000;

/** Those given before: whoever has one may not listen on it yet, or not at the moment. */
const given = new Set<number>();

/** A loopback port that nothing listens on now, and another one each time. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(FIRST, LAST);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port found between ${FIRST} and ${LAST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}

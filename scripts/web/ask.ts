import { Agent, request } from "node:http";

/** How a page came. */
export interface Came {
  status: number;
  /** Until its last byte. */
  ms: number;
  /** As it travelled. */
  bytes: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Asks for a page as a browser does, compressed. */
export function askPage(url: string): Promise<Came> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { accept: "text/html", "accept-encoding": "gzip" };
    request(url, { agent, headers }, (response) => {
      let bytes = 0;
      response.on("data", (chunk) => bytes += chunk.length);
      response.on("end", () => {
        resolve({ status: response.statusCode!, ms: performance.now() - start, bytes });
      });
      response.on("error", reject);
    }).on("error", reject).end();
  });
}

/** Opens a stream of events. @returns How many bytes came so far, and what ends it */
export function openStream(url: string): { bytes(): number; close(): void } {
  let bytes = 0;
  const asked = request(url, { headers: { accept: "text/event-stream" } }, (response) => {
    response.on("data", (chunk) => bytes += chunk.length);
    response.on("error", () => {});
  });
  asked.on("error", () => {});
  asked.end();
  return { bytes: () => bytes, close: () => asked.destroy() };
}

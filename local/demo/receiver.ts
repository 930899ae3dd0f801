import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What the demo's alerter sends its webhooks to: takes all, and keeps what each site was told last. */
export interface Receiver {
  url: string;
  /** The last event of each site, by its name. */
  told: ReadonlyMap<string, string>;
  /** Each once, by its id. */
  count(): number;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const told = new Map<string, string>();
  const ids = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { event, incident, incidents = [incident] } = JSON.parse(
        new TextDecoder().decode(Buffer.concat(chunks)),
      );
      ids.add(String(request.headers["webhook-id"]));
      for (const { site } of incidents) told.set(site, event);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    told,
    count: () => ids.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

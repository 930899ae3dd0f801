/** A request that a site answered. */
export interface Served {
  url: string;
  /** When the request came and when its answer was out; milliseconds since 1970. */
  from: number;
  to: number;
}

/** Loopback sites that note every request, so that no check goes by unseen. */
export class Sites {
  readonly served: Served[] = [];
  readonly origin: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const from = Date.now();
      this.served.push({ url: request.url, from, to: Date.now() });
      return new Response("fine");
    });
    this.origin = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A request that a site was asked. Milliseconds since 1970. */
export interface Served {
  url: string;
  /** The earliest that it can have come: before `from` only where this process stood still. */
  since: number;
  /** When it was seen. */
  from: number;
  /** When its answer was out; null: not yet, or never. */
  to: number | null;
}

const TURN_MS = 25;
/** A turn that is so late is a standstill of this process, by another lane's checker for one. */
const STALL_MS = 100;
/** What came during a standstill is seen within this of its end. */
const AFTER_STALL_MS = 250;

/** Tells how long this process may have been blind, so that nobody else is blamed for it. */
export class OwnStalls {
  #turned: number;
  #stall: { from: number; to: number } | null = null;

  constructor(now: number) {
    this.#turned = now;
  }

  /** To be called every 25 ms. */
  turn(now: number): void {
    if (now - this.#turned > STALL_MS) this.#stall = { from: this.#turned, to: now };
    this.#turned = now;
  }

  /** The earliest that what is seen at `now` can have happened. */
  since(now: number): number {
    if (now - this.#turned > STALL_MS) return this.#turned;
    return this.#stall && now - this.#stall.to < AFTER_STALL_MS ? this.#stall.from : now;
  }
}

/** Loopback sites that note every request, so that no check goes by unseen. */
export class Sites {
  readonly served: Served[] = [];
  readonly origin: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #turns: ReturnType<typeof setInterval>;

  constructor() {
    const stalls = new OwnStalls(Date.now());
    this.#turns = setInterval(() => stalls.turn(Date.now()), TURN_MS);
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve(options, ({ url }, { completed }) => {
      const from = Date.now();
      const request: Served = { url, since: stalls.since(from), from, to: null };
      this.served.push(request);
      completed.then(() => request.to = Date.now(), () => {});
      return new Response("fine");
    });
    this.origin = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async close(): Promise<void> {
    clearInterval(this.#turns);
    await this.#server.shutdown();
  }
}

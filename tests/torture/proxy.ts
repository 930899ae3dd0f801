import { type Buffer, Buffer as Bytes } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../../local/ports.ts";

/**
 * What the proxy does to connections.
 *
 * - pass: carries bytes both ways
 * - cut: ends all connections and refuses new ones
 * - black_hole: takes what comes and carries nothing, either way, without a word
 * - drop_replies: carries requests and swallows what is answered
 */
export type ProxyMode = "pass" | "cut" | "black_hole" | "drop_replies";

/** How PostgreSQL's client asks for the commit: a simple query, its length, the text, a NUL. */
const COMMIT = Bytes.from("Q\0\0\0\x0bCOMMIT\0", "latin1");

interface Pair {
  client: Socket;
  server: Socket;
  /** The reply to what was just sent is to be swallowed, and the connection ended then. */
  cutReply: boolean;
  /** Bytes of it were swallowed: no use goes on after that. */
  lossy: boolean;
}

/** A TCP proxy on a loopback port that does what a bad network does, on demand. */
export class Proxy {
  readonly port: number;
  readonly #server: Server;
  #target = 0;
  #mode: ProxyMode = "pass";
  /** Milliseconds that bytes are held up, each way. */
  #delayMs = 0;
  #pairs = new Set<Pair>();
  #commitsToCut = 0;
  /** Replies to COMMIT that were cut. */
  commitsCut = 0;

  private constructor(port: number, server: Server) {
    this.port = port;
    this.#server = server;
  }

  static async start(): Promise<Proxy> {
    const server = createServer({ pauseOnConnect: true });
    const proxy = new Proxy(await freePort(), server);
    server.on("connection", (socket) => proxy.#accept(socket));
    await new Promise<void>((resolve) => server.listen(proxy.port, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Where connections lead. */
  pointTo(port: number): void {
    this.#target = port;
  }

  set(mode: ProxyMode, delayMs = 0): void {
    this.#mode = mode;
    this.#delayMs = delayMs;
    for (const pair of this.#pairs) {
      if (mode === "cut" || (mode === "pass" && pair.lossy)) end(pair);
    }
  }

  /** Ends what is connected now; new connections pass. */
  drop(): void {
    for (const pair of [...this.#pairs]) end(pair);
  }

  /** Of the next `count` COMMITs, lets the server have them and cuts the reply. */
  cutCommitReplies(count: number): void {
    this.#commitsToCut = count;
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#mode === "cut") return void client.destroy();
    const server = connect(this.#target, "127.0.0.1");
    const pair: Pair = { client, server, cutReply: false, lossy: false };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => end(pair));
      socket.on("close", () => {
        end(pair);
        this.#pairs.delete(pair);
      });
    }
    client.on("data", (chunk) => this.#fromClient(pair, chunk as Buffer));
    server.on("data", (chunk) => this.#fromServer(pair, chunk as Buffer));
    client.resume();
  }

  #fromClient(pair: Pair, chunk: Buffer): void {
    if (this.#mode === "black_hole") return void (pair.lossy = true);
    if (this.#commitsToCut > 0 && chunk.includes(COMMIT)) {
      this.#commitsToCut--;
      pair.cutReply = true;
    }
    this.#write(pair.server, chunk);
  }

  #fromServer(pair: Pair, chunk: Buffer): void {
    if (pair.cutReply) {
      this.commitsCut++;
      return end(pair);
    }
    if (this.#mode === "black_hole" || this.#mode === "drop_replies") {
      return void (pair.lossy = true);
    }
    this.#write(pair.client, chunk);
  }

  #write(to: Socket, chunk: Buffer): void {
    if (this.#delayMs === 0) return void to.write(chunk);
    setTimeout(() => to.destroyed || to.write(chunk), this.#delayMs);
  }
}

function end({ client, server }: Pair): void {
  client.destroy();
  server.destroy();
}

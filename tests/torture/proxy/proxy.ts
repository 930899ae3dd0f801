import type { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../../../local/ports.ts";
import { Line } from "./line.ts";
import { Conversation } from "./conversation.ts";

/**
 * What the proxy does to connections.
 *
 * - pass: carries bytes both ways
 * - cut: ends all connections and refuses new ones
 * - black_hole: takes what comes and carries nothing, either way, without a word
 * - drop_replies: carries requests and swallows what is answered
 */
export type ProxyMode = "pass" | "cut" | "black_hole" | "drop_replies";

/** What PostgreSQL answers where it stored a batch, among the rest. */
const STORED = ['"stored"', "COMMIT\0"];

interface Pair {
  toClient: Line;
  toServer: Line;
  conversation: Conversation;
  /** The reply to what was just sent is to be swallowed, and the connection ended then. */
  cutReply: boolean;
  /** Bytes of it were swallowed: no use goes on after that. */
  lossy: boolean;
  /** A batch was among them. */
  lostBatch: boolean;
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
  #repliesToCut = 0;
  #requestsToCut = 0;
  #connectionsCut = 0;
  #bytesSwallowed = 0;
  #acksDropped = 0;
  #repliesCut = 0;
  #requestsCut = 0;
  #batchesGivenUp = 0;

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

  /** Connections that were ended or refused here, since the start. */
  get connectionsCut(): number {
    return this.#connectionsCut;
  }

  /** Bytes that were taken and not carried on, of both ways, since the start. */
  get bytesSwallowed(): number {
    return this.#bytesSwallowed;
  }

  /** Answers to Kafka's Produce that were swallowed, since the start. */
  get acksDropped(): number {
    return this.#acksDropped;
  }

  /** Batches that PostgreSQL stored and whose reply was cut, since the start. */
  get repliesCut(): number {
    return this.#repliesCut;
  }

  /** Batches of which PostgreSQL got the beginning only, since the start. */
  get requestsCut(): number {
    return this.#requestsCut;
  }

  /** Connections that a client ended by itself after a batch of it was swallowed, since the start. */
  get batchesGivenUp(): number {
    return this.#batchesGivenUp;
  }

  /** Where connections lead. */
  pointTo(port: number): void {
    this.#target = port;
  }

  set(mode: ProxyMode, delayMs = 0): void {
    const carriesMore = mode === "pass" || (mode === "drop_replies" && mode !== this.#mode);
    this.#mode = mode;
    this.#delayMs = delayMs;
    for (const pair of [...this.#pairs]) {
      if (mode === "cut" || (carriesMore && pair.lossy)) this.#cut(pair);
    }
  }

  /** Of the next `count` batches, lets PostgreSQL have them and cuts the reply. */
  cutReplies(count: number): void {
    this.#repliesToCut = count;
  }

  /** Of the next `count` batches, lets PostgreSQL have a part and ends the connection. */
  cutRequests(count: number): void {
    this.#requestsToCut = count;
  }

  async close(): Promise<void> {
    for (const pair of [...this.#pairs]) this.#cut(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#mode === "cut") {
      this.#connectionsCut++;
      return void client.destroy();
    }
    const server = connect(this.#target, "127.0.0.1");
    const pair: Pair = {
      toClient: new Line(client),
      toServer: new Line(server),
      conversation: new Conversation(),
      cutReply: false,
      lossy: false,
      lostBatch: false,
    };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
    }
    client.on("close", () => {
      if (this.#end(pair) && pair.lostBatch) this.#batchesGivenUp++;
    });
    // Nor is an end carried through a black hole.
    server.on("close", () => this.#mode === "black_hole" ? pair.lossy = true : this.#end(pair));
    client.on("data", (chunk) => this.#fromClient(pair, chunk as Buffer));
    server.on("data", (chunk) => this.#fromServer(pair, chunk as Buffer));
    client.resume();
  }

  #fromClient(pair: Pair, chunk: Buffer): void {
    const isBatch = pair.conversation.sent(chunk) > 0;
    if (this.#mode === "black_hole") {
      pair.lostBatch ||= isBatch;
      return this.#swallow(pair, chunk);
    }
    if (isBatch) {
      if (this.#requestsToCut > 0) {
        this.#requestsToCut--;
        this.#requestsCut++;
        const part = chunk.subarray(0, chunk.length >> 1);
        return pair.toServer.sendLast(part, () => this.#cut(pair));
      }
      if (this.#repliesToCut > 0) {
        this.#repliesToCut--;
        pair.cutReply = true;
      }
    }
    pair.toServer.send(chunk, this.#delayMs);
  }

  #fromServer(pair: Pair, chunk: Buffer): void {
    if (pair.cutReply) {
      if (STORED.every((text) => chunk.includes(text))) this.#repliesCut++;
      return this.#cut(pair);
    }
    const acks = pair.conversation.answered(chunk);
    if (this.#mode === "black_hole" || this.#mode === "drop_replies") {
      this.#acksDropped += acks;
      return this.#swallow(pair, chunk);
    }
    pair.toClient.send(chunk, this.#delayMs);
  }

  #swallow(pair: Pair, chunk: Buffer): void {
    this.#bytesSwallowed += chunk.length;
    pair.lossy = true;
  }

  #cut(pair: Pair): void {
    if (this.#end(pair)) this.#connectionsCut++;
  }

  /** @returns Whether it was there still */
  #end(pair: Pair): boolean {
    pair.toClient.destroy();
    pair.toServer.destroy();
    return this.#pairs.delete(pair);
  }
}

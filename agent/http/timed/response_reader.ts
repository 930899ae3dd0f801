import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { clearImmediate, setImmediate } from "node:timers";
import type { Allowance } from "../allowance.ts";
import { BodyBuffer } from "../body_buffer.ts";
import { classifyError } from "../classify.ts";
import { createDecoder, type Decoder, type DecoderListener } from "./decode.ts";
import { ExchangeFailure, failure } from "./failure.ts";
import { type ResponseHead, type ResponseListener, ResponseParser } from "./response_parser.ts";

/**
 * Bytes that are parsed before other work has its turn. The dearest are chunks of one byte: 64 KiB of
 * them take 6 ms. A runtime hands on all that has come, one piece after the other, if it is let.
 */
const BYTES_A_TURN = 64 * 1024;

/** What a reader is told of the request. */
export interface ReaderOptions {
  maxBodyBytes: number;
  allowance?: Allowance;
  /** What to do with the body; see ResponseListener. */
  bodyOf(head: ResponseHead): "read" | "skip" | "none";
  onFirstByte?(): void;
  /** The last byte that is wanted came; it may not be decoded yet. */
  onLastByte?(): void;
}

/**
 * Reads one response from a connection: parses, decodes, cuts. What was read before a failure stays
 * readable. Nothing of the site's making gets out of here except by `reject`.
 */
export class ResponseReader implements ResponseListener, DecoderListener {
  head: ResponseHead | null = null;
  /** Whether any byte came at all. */
  started = false;
  readonly #body: BodyBuffer;
  readonly #parser = new ResponseParser(this);
  readonly #socket: Socket;
  readonly #options: ReaderOptions;
  #decoder: Decoder | null = null;
  #stopped = false;
  #takenInTurn = 0;
  #nextTurn: NodeJS.Immediate | null = null;
  #decoderFull = false;
  #resolve: () => void = () => {};
  #reject: (failure: ExchangeFailure) => void = () => {};

  constructor(socket: Socket, options: ReaderOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#body = new BodyBuffer(options.maxBodyBytes, options.allowance);
  }

  get body(): Uint8Array {
    return this.#body.bytes();
  }

  get truncated(): boolean {
    return this.#body.truncated;
  }

  /** Whether the connection may serve another request. */
  get reusable(): boolean {
    return this.#parser.reusable && !this.#body.truncated;
  }

  /** A step of `Steps.run`. */
  start(resolve: () => void, reject: (failure: ExchangeFailure) => void): () => void {
    this.#resolve = resolve;
    this.#reject = reject;
    const socket = this.#socket;
    const onData = (chunk: Buffer) => this.#guard(() => this.#take(chunk));
    const onEnd = () => this.#guard(() => this.#parser.close());
    const onError = (error: Error) => {
      const during = this.head === null ? "head" : "body";
      this.#fail(new ExchangeFailure(classifyError(error, during)));
    };
    socket.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onError);
    return () => {
      this.#stopped = true;
      socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onError);
      this.#decoder?.destroy();
      if (this.#nextTurn) clearImmediate(this.#nextTurn);
    };
  }

  onHead(head: ResponseHead): "read" | "skip" | "none" {
    this.head = head;
    const wanted = this.#options.bodyOf(head);
    if (wanted !== "read") return wanted;
    const encodings = head.headers.filter(([name]) => name === "content-encoding");
    if (encodings.length > 0) {
      this.#decoder = createDecoder(encodings.map(([, value]) => value).join(","), this);
    }
    return wanted;
  }

  onBody(piece: Buffer): void {
    if (this.#stopped) return;
    if (this.#decoder === null) this.onData(piece);
    else if (!this.#decoder.write(piece)) {
      this.#decoderFull = true;
      this.#socket.pause();
    }
  }

  onComplete(): void {
    if (this.#stopped) return;
    this.#options.onLastByte?.();
    if (this.#decoder === null) this.#resolve();
    else this.#decoder.end();
  }

  onData(piece: Uint8Array): void {
    if (this.#stopped) return;
    try {
      if (this.#body.add(piece)) return;
    } catch (error) {
      return this.#fail(new ExchangeFailure(classifyError(error)));
    }
    this.#options.onLastByte?.();
    this.#resolve();
  }

  onDrain(): void {
    this.#decoderFull = false;
    this.#resume();
  }

  onEnd(): void {
    this.#resolve();
  }

  onError(cause: ExchangeFailure): void {
    this.#fail(cause);
  }

  #take(chunk: Buffer): void {
    if (!this.started) {
      this.started = true;
      this.#options.onFirstByte?.();
    }
    this.#parser.write(chunk);
    this.#takenInTurn += chunk.length;
    if (this.#takenInTurn >= BYTES_A_TURN) this.#yield();
  }

  #yield(): void {
    this.#takenInTurn = 0;
    if (this.#stopped) return;
    this.#socket.pause();
    this.#nextTurn ??= setImmediate(() => {
      this.#nextTurn = null;
      this.#resume();
    });
  }

  #resume(): void {
    if (!this.#stopped && !this.#decoderFull && !this.#nextTurn) this.#socket.resume();
  }

  #guard(read: () => void): void {
    if (this.#stopped) return;
    try {
      read();
    } catch (error) {
      // Thrown on, in a socket's event it would end the process.
      this.#fail(error instanceof ExchangeFailure ? error : failure("not_made", `${error}`));
    }
  }

  #fail(cause: ExchangeFailure): void {
    this.#reject(cause);
  }
}

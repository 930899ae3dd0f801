import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { clearImmediate, setImmediate } from "node:timers";
import { classifyError } from "../../classify.ts";
import { ExchangeFailure, failure } from "../../errors.ts";
import { Reader, type ReaderOptions } from "./reader.ts";
import { ResponseParser } from "./response_parser.ts";

/**
 * Bytes that are parsed before other work has its turn. The dearest are chunks of one byte: 64 KiB of
 * them take 9 ms at the worst. A runtime hands on all that has come, one piece after the other, if it is let.
 */
const BYTES_A_TURN = 64 * 1024;

/** Reads one response of HTTP/1 from a connection. */
export class ResponseReader extends Reader {
  readonly #parser = new ResponseParser(this);
  readonly #socket: Socket;
  #takenInTurn = 0;
  #nextTurn: NodeJS.Immediate | null = null;

  constructor(socket: Socket, options: ReaderOptions) {
    super(options);
    this.#socket = socket;
  }

  get reusable(): boolean {
    return this.#parser.reusable && !this.truncated;
  }

  protected listen(): () => void {
    const socket = this.#socket;
    const onData = (chunk: Buffer) => this.#guard(() => this.#take(chunk));
    const onEnd = () => this.#guard(() => this.#parser.close());
    const onError = (error: Error) =>
      this.reject(new ExchangeFailure(classifyError(error, this.head === null ? "head" : "body")));
    socket.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onError);
    return () => {
      socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onError);
      if (this.#nextTurn) clearImmediate(this.#nextTurn);
    };
  }

  protected pause(): void {
    this.#socket.pause();
  }

  protected resume(): void {
    if (!this.isDecoderFull && !this.#nextTurn) this.#socket.resume();
  }

  #take(chunk: Buffer): void {
    this.firstByte();
    this.#parser.write(chunk);
    this.#takenInTurn += chunk.length;
    if (this.#takenInTurn >= BYTES_A_TURN) this.#yield();
  }

  #yield(): void {
    this.#takenInTurn = 0;
    if (this.stopped) return;
    this.pause();
    this.#nextTurn ??= setImmediate(() => {
      this.#nextTurn = null;
      if (!this.stopped) this.resume();
    });
  }

  #guard(read: () => void): void {
    if (this.stopped) return;
    try {
      read();
    } catch (error) {
      // Thrown on, in a socket's event it would end the process.
      this.reject(error instanceof ExchangeFailure ? error : failure("not_made", `${error}`));
    }
  }
}

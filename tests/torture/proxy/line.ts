import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** One way of a connection: bytes come out as they went in, each after its own delay or later. */
export class Line {
  readonly #to: Socket;
  #queue: { chunk: Buffer; due: number }[] = [];
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(to: Socket) {
    this.#to = to;
  }

  /** Sends `chunk` in `delayMs`, yet never before what was sent earlier. */
  send(chunk: Buffer, delayMs: number): void {
    if (this.#ended) return;
    if (delayMs === 0 && this.#queue.length === 0) return void this.#to.write(chunk);
    this.#queue.push({ chunk, due: performance.now() + delayMs });
    if (this.#queue.length === 1) this.#wait();
  }

  /** Ends the connection, and drops what is still held up. */
  destroy(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#to.destroy();
  }

  /** Sends `chunk` and nothing that comes after it. @param done Called when it is out */
  sendLast(chunk: Buffer, done: () => void): void {
    this.#ended = true;
    this.#to.end(chunk, done);
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#to.write(this.#queue.shift()!.chunk);
      if (this.#queue.length > 0) this.#wait();
    }, Math.max(0, this.#queue[0]!.due - performance.now()));
  }
}

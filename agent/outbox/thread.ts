import type { Worker } from "node:worker_threads";
import type { Failure, Replies, Reply, Request } from "./protocol.ts";

/** A request to the outbox's thread failed; then it had no effect. */
export class OutboxError extends Error {
  readonly kind: Failure["kind"];

  constructor({ message, kind }: Failure) {
    super(message);
    this.name = "OutboxError";
    this.kind = kind;
  }
}

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: OutboxError) => void;
}

/** The main side of one thread that runs worker.ts. */
export class OutboxThread {
  #worker: Worker;
  /** Replies come in the order of the requests. */
  #waiting: Waiting[] = [];
  #dead: string | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: Reply) => this.#onReply(reply));
    worker.on("error", (error: unknown) => this.#onDeath(String(error)));
    worker.on("exit", () => this.#onDeath("it ended"));
  }

  /** Whether the thread has ended. */
  get dead(): boolean {
    return this.#dead !== null;
  }

  /** @throws {OutboxError} Where the store fails or the thread ended */
  call<R extends Request>(request: R): Promise<Replies[R["type"]]> {
    return new Promise((resolve, reject) => {
      if (this.#dead !== null) return reject(new OutboxError(this.#deathOf(this.#dead)));
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  /** Ends the thread, whatever it does. */
  async end(): Promise<void> {
    await this.#worker.terminate();
    this.#onDeath("it was stopped");
  }

  #onReply(reply: Reply): void {
    const waiting = this.#waiting.shift();
    if (reply.ok) waiting?.resolve(reply.value as never);
    else waiting?.reject(new OutboxError(reply.failure));
  }

  #onDeath(why: string): void {
    if (this.#dead !== null) return;
    this.#dead = why;
    for (const { reject } of this.#waiting) reject(new OutboxError(this.#deathOf(why)));
    this.#waiting = [];
  }

  #deathOf(why: string): Failure {
    return { kind: "other", message: `The outbox's thread failed: ${why}` };
  }
}

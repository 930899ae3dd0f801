import { type Transferable, Worker } from "node:worker_threads";
import { type ThreadName, threadSource } from "./sources.ts";

/** What a thread can be asked, by name; each takes one argument, and may give a promise. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** What is posted to a thread. */
export interface Request {
  name: string;
  argument: unknown;
}

/** What it posts back. */
export type Reply =
  | { ok: true; value: unknown }
  | { ok: false; message: string; kind: string | null };

/** A request to a thread failed there, or the thread ended. */
export class ThreadError extends Error {
  /** What the thread says of the error; null where it says nothing. */
  readonly kind: string | null;

  constructor(message: string, kind: string | null) {
    super(message);
    this.name = "ThreadError";
    this.kind = kind;
  }
}

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: ThreadError) => void;
}

/**
 * A thread that answers requests, one at a time and in order. Work that may hold a thread for long (a
 * fsync, a regex over a large page) runs in one, never on the main thread.
 */
export class Thread<H extends Handlers> {
  readonly #worker: Worker;
  readonly #what: string;
  #waiting: Waiting[] = [];
  #dead: string | null = null;

  /**
   * @param worker Runs a file that calls `answer` (answer.ts) with handlers of type H
   * @param what It is, for messages
   */
  constructor(worker: Worker, what: string) {
    this.#worker = worker;
    this.#what = what;
    worker.on("message", (reply: Reply) => {
      const waiting = this.#waiting.shift();
      if (reply.ok) waiting?.resolve(reply.value as never);
      else waiting?.reject(new ThreadError(reply.message, reply.kind));
    });
    worker.on("error", (error: unknown) => this.#die(String(error)));
    worker.on("exit", () => this.#die("it ended"));
  }

  /** Whether the thread has ended. */
  get dead(): boolean {
    return this.#dead !== null;
  }

  /**
   * @param transfer Buffers of the argument that are handed over, not copied
   * @throws {ThreadError} Where the handler throws, or the thread ended
   */
  call<K extends keyof H & string>(
    name: K,
    argument: Parameters<H[K]>[0],
    transfer: Transferable[] = [],
  ): Promise<Awaited<ReturnType<H[K]>>> {
    return new Promise((resolve, reject) => {
      if (this.#dead !== null) return reject(this.#deathOf(this.#dead));
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage({ name, argument } satisfies Request, transfer);
    });
  }

  /** Ends the thread, whatever it does. */
  async end(): Promise<void> {
    this.#die("it was stopped");
    await this.#worker.terminate();
  }

  #die(why: string): void {
    this.#dead ??= why;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#deathOf(this.#dead));
  }

  #deathOf(why: string): ThreadError {
    return new ThreadError(`The thread that ${this.#what} failed: ${why}`, null);
  }
}

/** Starts one of the program's threads; in Deno that holds the event loop for some 50 ms. */
export function startWorker(name: ThreadName): Worker {
  const source = threadSource(name);
  return typeof source === "string" ? new Worker(source, { eval: true }) : new Worker(source);
}

import type { Worker } from "node:worker_threads";
import type { Clock } from "../../runtime/clock.ts";
import { startWorker } from "../../runtime/worker.ts";
import { bodyText } from "./body_text.ts";
import { RegexCache } from "./cache.ts";
import type { SearchOutcome, SearchReply, SearchRequest } from "./protocol.ts";

/** A body over this is never searched on the main thread. */
const MAX_INLINE_BYTES = 16 * 1024;

/**
 * Nor is one where bytes times the pattern's program size is over this. A search step that meets a
 * new state of the automaton costs 100 ns an instruction, so this is 10 ms at the worst.
 */
const MAX_INLINE_COST = 100_000;

/** Nor for a pattern over this: it may take over 2 ms to compile. */
const MAX_INLINE_PROGRAM = 300;

/** Pattern sizes that are remembered; they are forgotten all at once past this. */
const MAX_KNOWN_SIZES = 20_000;

const STOPPED: SearchOutcome = { ok: false, error: "The regex search was stopped" };

interface Job {
  request: SearchRequest;
  settle: (outcome: SearchOutcome) => void;
  /** The thread it is on; null while it waits for one. */
  thread: Worker | null;
}

/** Searches bodies for patterns without holding the event loop: large ones on threads of their own. */
export class RegexSearch {
  #clock: Clock;
  #maxThreads: number;
  #startThread: () => Worker;
  #cache = new RegexCache();
  #programSizes = new Map<string, number>();
  /** Threads, with what each works on. */
  #threads = new Map<Worker, Job | null>();
  #queue: Job[] = [];
  #closed = false;

  /**
   * @param maxThreads Made as they are needed, or by `start`
   * @param startThread Starts a thread that runs worker.ts
   */
  constructor(
    clock: Clock,
    maxThreads: number = Math.min(4, globalThis.navigator?.hardwareConcurrency ?? 1),
    startThread: () => Worker = () => startWorker("regex"),
  ) {
    this.#clock = clock;
    this.#maxThreads = maxThreads;
    this.#startThread = startThread;
  }

  /**
   * Starts all threads now, so that none has to be later: starting one holds the event loop for some
   * 50 ms in Deno.
   */
  start(): void {
    while (this.#threads.size < this.#maxThreads) this.#addThread();
  }

  /**
   * Searches `body`, decoded by `charset`. Never rejects. A search that is not done within `limitMs`,
   * the wait for a thread included, is given up, and its thread ended.
   */
  search(request: SearchRequest, limitMs: number): Promise<SearchOutcome> {
    if (this.#isQuick(request)) return Promise.resolve(this.#searchHere(request));
    return this.#searchElsewhere(request, limitMs);
  }

  /** Ends all threads; searches under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of [...this.#queue, ...this.#threads.values()]) {
      job?.settle(STOPPED);
    }
    await Promise.all([...this.#threads.keys()].map((thread) => this.#end(thread)));
  }

  #isQuick({ pattern, body: { length } }: SearchRequest): boolean {
    const size = this.#programSizes.get(pattern);
    // Until a thread has told the size, nobody knows.
    if (size === undefined || size > MAX_INLINE_PROGRAM) return false;
    return length <= MAX_INLINE_BYTES && length * size <= MAX_INLINE_COST;
  }

  #searchHere({ pattern, body, charset }: SearchRequest): SearchOutcome {
    try {
      return { ok: true, matched: this.#cache.get(pattern).test(bodyText(body, charset)) };
    } catch (error) {
      return { ok: false, error: String(error) };
    }
  }

  #searchElsewhere(request: SearchRequest, limitMs: number): Promise<SearchOutcome> {
    if (this.#closed) return Promise.resolve(STOPPED);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(limitMs, () => {
        job.settle({ ok: false, error: `The regex search did not end within ${limitMs} ms` });
        if (job.thread) void this.#end(job.thread);
        this.#queue = this.#queue.filter((other) => other !== job);
        this.#assign();
      });
      const settle = (outcome: SearchOutcome) => {
        cancel();
        resolve(outcome);
      };
      const job: Job = { request, settle, thread: null };
      this.#queue.push(job);
      this.#assign();
    });
  }

  #assign(): void {
    while (!this.#closed && this.#queue.length > 0) {
      const thread = this.#idleThread();
      if (!thread) return;
      const job = this.#queue.shift()!;
      job.thread = thread;
      this.#threads.set(thread, job);
      // A copy of exactly these bytes: a view would take its whole buffer along.
      const body = job.request.body.slice();
      thread.postMessage({ ...job.request, body }, [body.buffer]);
    }
  }

  #idleThread(): Worker | null {
    for (const [thread, job] of this.#threads) if (!job) return thread;
    return this.#threads.size < this.#maxThreads ? this.#addThread() : null;
  }

  #addThread(): Worker {
    const thread = this.#startThread();
    this.#threads.set(thread, null);
    thread.on("message", (reply: SearchReply) => this.#onReply(thread, reply));
    thread.on("error", (error: unknown) => this.#onDeath(thread, String(error)));
    thread.on("exit", () => this.#onDeath(thread, "it ended"));
    return thread;
  }

  #onReply(thread: Worker, reply: SearchReply): void {
    const job = this.#threads.get(thread);
    if (!job) return;
    this.#threads.set(thread, null);
    if (reply.ok) {
      if (this.#programSizes.size >= MAX_KNOWN_SIZES) this.#programSizes.clear();
      this.#programSizes.set(job.request.pattern, reply.programSize);
    }
    job.settle(reply.ok ? { ok: true, matched: reply.matched } : reply);
    this.#assign();
  }

  #onDeath(thread: Worker, why: string): void {
    const job = this.#threads.get(thread);
    if (!this.#threads.delete(thread)) return;
    job?.settle({ ok: false, error: `The thread of the regex search failed: ${why}` });
    this.#assign();
  }

  async #end(thread: Worker): Promise<void> {
    this.#threads.delete(thread);
    await thread.terminate();
  }
}

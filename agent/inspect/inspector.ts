import type { Worker } from "node:worker_threads";
import type { Clock } from "../../runtime/clock.ts";
import { startWorker, Thread } from "../../runtime/thread/thread.ts";
import { keep } from "../bounded_map.ts";
import { inspect, RegexCache } from "./inspect.ts";
import type { InspectHandlers } from "./inspect_thread.ts";
import { asksOfBody, type Inspection, type InspectionOutcome, patternsOf } from "./inspection.ts";

/** A body over this is never read on the main thread. */
const MAX_INLINE_BYTES = 16 * 1024;

/**
 * Nor are texts where the sum of their bytes times the patterns' program sizes is over this. A search
 * step that meets a new state of the automaton costs 100 ns an instruction, so this is 10 ms at the
 * worst.
 */
const MAX_INLINE_COST = 100_000;

/** Nor for a pattern over this: it may take over 2 ms to compile. */
const MAX_INLINE_PROGRAM = 300;

/**
 * A JMESPath of names and indexes alone: it costs nothing beside the parse (0.2 ms for 16 KiB). Others
 * may cost the square of the body's length, or more.
 */
const PLAIN_PATH = /^(?:[A-Za-z_]\w*|"[^"\\]*")(?:\.(?:[A-Za-z_]\w*|"[^"\\]*")|\[-?\d{1,9}\])*$/;

/** Pattern sizes that are remembered. */
const MAX_KNOWN_SIZES = 20_000;

const STOPPED: InspectionOutcome = { ok: false, error: "The inspection of the body was stopped" };

const NOTHING = new Uint8Array(0);

interface Job {
  inspection: Inspection;
  settle: (outcome: InspectionOutcome) => void;
  /** The thread it is on; null while it waits for one. */
  thread: InspectThread | null;
}

type InspectThread = Thread<InspectHandlers>;

/**
 * Finds what rules ask of bodies without holding the event loop: what may take long runs on threads of
 * its own.
 */
export class Inspector {
  #clock: Clock;
  #maxThreads: number;
  #startThread: () => Worker;
  #regexes = new RegexCache();
  #programSizes = new Map<string, number>();
  /** Threads, with what each works on. */
  #threads = new Map<InspectThread, Job | null>();
  #queue: Job[] = [];
  #closed = false;

  /**
   * @param maxThreads Each takes 20 MB, and is made when it is needed
   * @param startThread Starts a thread that runs inspect_thread.ts
   */
  constructor(
    clock: Clock,
    maxThreads: number = Math.min(4, globalThis.navigator?.hardwareConcurrency ?? 1),
    startThread: () => Worker = () => startWorker("inspect"),
  ) {
    this.#clock = clock;
    this.#maxThreads = maxThreads;
    this.#startThread = startThread;
  }

  /**
   * Inspects one response. Never rejects. An inspection that is not done within `limitMs`, the wait for
   * a thread included, is given up, and its thread ended.
   */
  inspect(inspection: Inspection, limitMs: number): Promise<InspectionOutcome> {
    if (this.#isQuick(inspection)) return Promise.resolve(this.#inspectHere(inspection));
    return this.#inspectElsewhere(inspection, limitMs);
  }

  /** Ends all threads; inspections under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of [...this.#queue, ...this.#threads.values()]) {
      job?.settle(STOPPED);
    }
    await Promise.all([...this.#threads.keys()].map((thread) => thread.end()));
  }

  #isQuick(inspection: Inspection): boolean {
    const { body, searches, json } = inspection;
    if (asksOfBody(inspection) && body.length > MAX_INLINE_BYTES) return false;
    let cost = 0;
    for (const { pattern, text } of searches) cost += this.#cost(pattern, (text ?? body).length);
    for (const { path, matches } of json) {
      if (!PLAIN_PATH.test(path)) return false;
      if (matches !== null) cost += this.#cost(matches, body.length);
    }
    return cost <= MAX_INLINE_COST;
  }

  #cost(pattern: string, length: number): number {
    const size = this.#programSizes.get(pattern);
    // Until a thread has told the size, nobody knows.
    return size === undefined || size > MAX_INLINE_PROGRAM ? Infinity : length * size;
  }

  #inspectHere(inspection: Inspection): InspectionOutcome {
    try {
      return { ok: true, found: inspect(inspection, this.#regexes) };
    } catch (error) {
      return { ok: false, error: String(error) };
    }
  }

  #inspectElsewhere(inspection: Inspection, limitMs: number): Promise<InspectionOutcome> {
    if (this.#closed) return Promise.resolve(STOPPED);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(limitMs, () => {
        job.settle({
          ok: false,
          error: `The inspection of the body did not end within ${limitMs} ms`,
        });
        void job.thread?.end();
        this.#queue = this.#queue.filter((other) => other !== job);
        this.#assign();
      });
      const settle = (outcome: InspectionOutcome) => {
        cancel();
        resolve(outcome);
      };
      const job: Job = { inspection, settle, thread: null };
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
      void this.#run(job, thread);
    }
  }

  async #run({ inspection, settle }: Job, thread: InspectThread): Promise<void> {
    const body = asksOfBody(inspection) ? inspection.body : NOTHING;
    // A copy of exactly these bytes: a view would take its whole buffer along.
    const copy = body.slice();
    try {
      const { found, programSizes } = await thread.call(
        "inspect",
        { ...inspection, body: copy },
        [copy.buffer],
      );
      for (const [i, pattern] of patternsOf(inspection).entries()) {
        keep(this.#programSizes, pattern, programSizes[i]!, MAX_KNOWN_SIZES);
      }
      settle({ ok: true, found });
    } catch (error) {
      settle({ ok: false, error: (error as Error).message });
    }
    this.#threads.set(thread, null);
    this.#assign();
  }

  #idleThread(): InspectThread | null {
    for (const thread of this.#threads.keys()) if (thread.dead) this.#threads.delete(thread);
    for (const [thread, job] of this.#threads) if (!job) return thread;
    return this.#threads.size < this.#maxThreads ? this.#addThread() : null;
  }

  #addThread(): InspectThread {
    const thread: InspectThread = new Thread(this.#startThread(), "inspects bodies");
    this.#threads.set(thread, null);
    return thread;
  }
}

import { Worker } from "node:worker_threads";
import { Thread } from "../../../runtime/thread/thread.ts";
import type { SitesHandlers } from "./sites_thread.ts";

/** A request that a site was asked. Milliseconds since 1970. */
export interface Served {
  url: string;
  /** The earliest that it can have come: before `from` only where the thread of the sites stood still. */
  since: number;
  /** When it was seen. */
  from: number;
  /** When its answer was out; null: not yet, or never. */
  to: number | null;
}

/**
 * Loopback sites that note every request, so that no check goes by unseen; in a thread of their own, so
 * that nothing else of the harness holds up their answers.
 */
export class Sites {
  readonly urls: readonly string[];
  readonly #thread: Thread<SitesHandlers>;

  private constructor(urls: readonly string[], thread: Thread<SitesHandlers>) {
    this.urls = urls;
    this.#thread = thread;
  }

  static async start(count: number): Promise<Sites> {
    const worker = new Worker(new URL("./sites_thread.ts", import.meta.url));
    const thread: Thread<SitesHandlers> = new Thread(worker, "serves the sites");
    const origin = await thread.call("origin", null);
    return new Sites(Array.from({ length: count }, (_, i) => `${origin}/${i}`), thread);
  }

  /** All requests so far, and the longest that the thread stood still, milliseconds. */
  seen(): Promise<{ served: Served[]; stalledMs: number }> {
    return this.#thread.call("seen", null);
  }

  /** From now on these answer with status 503, and all others with 200. */
  setDown(urls: readonly string[]): Promise<void> {
    return this.#thread.call("setDown", urls);
  }

  /** How often each of these has answered since that was said, at least. */
  answers(urls: readonly string[]): Promise<number> {
    return this.#thread.call("answers", urls);
  }

  close(): Promise<void> {
    return this.#thread.end();
  }
}

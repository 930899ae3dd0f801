import { isDeepStrictEqual } from "node:util";
import type { Worker } from "node:worker_threads";
import { type Config, type Site, siteId } from "../../config/types.ts";
import type { ConfigSource } from "../../runtime/mode_context.ts";
import { startWorker } from "../../runtime/worker.ts";
import type { LoadReply, LoadRequest, SharedParts, SiteOfSlice } from "./protocol.ts";

/** A config that was loaded, or what is wrong with it. */
export type Loaded =
  | { ok: true; config: Config; changes: Changes }
  | { ok: false; problems: readonly string[] };

/** How many sites are new, set otherwise than before, or gone. */
export interface Changes {
  added: number;
  changed: number;
  removed: number;
}

/**
 * Loads configs on a thread of its own, without holding the event loop: what comes back is taken over
 * in slices.
 */
export class LoadingThread {
  #thread: Worker | null = null;
  #waiting: { resolve: (reply: unknown) => void; reject: (error: Error) => void } | null = null;
  readonly #startThread: () => Worker;

  /** @param startThread Starts a thread that runs worker.ts */
  constructor(startThread: () => Worker = () => startWorker("config")) {
    this.#startThread = startThread;
  }

  /** Starts the thread now, as starting it holds the event loop for some 50 ms in Deno. */
  start(): void {
    if (this.#thread) return;
    const thread = this.#startThread();
    this.#thread = thread;
    thread.on("message", (reply: unknown) => this.#settle(thread)?.resolve(reply));
    thread.on("error", (error: unknown) => this.#onDeath(thread, String(error)));
    thread.on("exit", () => this.#onDeath(thread, "it ended"));
  }

  /**
   * Loads a config, one at a time.
   *
   * @param before Its sites: one that is the same as before is the same object in the new config, so
   * that whatever is kept by it stays
   * @throws {Error} Where the thread fails, which the next load starts anew
   */
  async load(source: ConfigSource, before: readonly Site[]): Promise<Loaded> {
    this.start();
    const { file, cwd } = source;
    const reply = await this.#ask<LoadReply>({ type: "load", file, cwd });
    if (!reply.ok) return reply;
    const known = new Map(before.map((site) => [siteId(site), site]));
    const sites: Site[] = [];
    const changes: Changes = { added: 0, changed: 0, removed: 0 };
    while (sites.length < reply.siteCount) {
      const slice = await this.#ask<SiteOfSlice[]>({ type: "next" });
      for (const part of slice) {
        const site = withShared(part, reply.shared);
        const old = known.get(siteId(site));
        const isSame = old !== undefined && isDeepStrictEqual(old, site);
        sites.push(isSame ? old : site);
        if (!old) changes.added++;
        else if (!isSame) changes.changed++;
      }
    }
    changes.removed = before.length + changes.added - sites.length;
    return { ok: true, config: { ...reply.rest, sites }, changes };
  }

  /** Ends the thread; a load under way fails. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (!thread) return;
    this.#onDeath(thread, "it was stopped");
    await thread.terminate();
  }

  #ask<T>(request: LoadRequest): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#thread) throw new Error("The thread that loads the config is not there");
      this.#waiting = { resolve: resolve as (reply: unknown) => void, reject };
      this.#thread.postMessage(request);
    });
  }

  #onDeath(thread: Worker, why: string): void {
    this.#settle(thread)?.reject(new Error(`The thread that loads the config failed: ${why}`));
    if (this.#thread === thread) this.#thread = null;
  }

  /** The one who waits for an answer of `thread`, who then waits no more. */
  #settle(thread: Worker) {
    if (this.#thread !== thread) return null;
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }
}

function withShared({ site, body, tls }: SiteOfSlice, shared: SharedParts): Site {
  if (body === null && tls === null) return site;
  const request = {
    ...site.request,
    body: body === null ? null : shared.bodies[body]!,
    tls: tls === null ? null : shared.tls[tls]!,
  };
  return { ...site, request };
}

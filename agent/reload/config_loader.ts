import { isDeepStrictEqual } from "node:util";
import { type Config, type Site, siteId, type SiteRequest } from "../../config/types.ts";
import type { ConfigSource } from "../../runtime/cli/mode_context.ts";
import { startWorker, Thread } from "../../runtime/thread/thread.ts";
import type { ConfigHandlers, SharedPart, SiteOfSlice } from "./config_thread.ts";

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
 * Loads configs on a thread, without holding the event loop: what comes back is taken over in slices.
 * The thread takes 20 MB, so it is there for a load alone, or from the first look on, though in Deno its
 * start holds the event loop for some 35 ms.
 */
export class ConfigLoader {
  #thread: Thread<ConfigHandlers> | null = null;
  #isLooking = false;

  #start(): Thread<ConfigHandlers> {
    if (!this.#thread || this.#thread.dead) {
      this.#thread = new Thread(startWorker("config"), "loads the config");
    }
    return this.#thread;
  }

  /**
   * Loads a config, one at a time.
   *
   * @param before Its sites: one that is the same as before is the same object in the new config, so
   * that whatever is kept by it stays
   * @throws {Error} Where the thread fails, which the next load starts anew
   */
  async load(source: ConfigSource, before: readonly Site[]): Promise<Loaded> {
    try {
      return await this.#load(source, before);
    } finally {
      if (!this.#isLooking) await this.close();
    }
  }

  async #load({ file, cwd }: ConfigSource, before: readonly Site[]): Promise<Loaded> {
    const thread = this.#start();
    const parts = await thread.call("load", { file, cwd });
    if (!parts.ok) return parts;
    const known = new Map(before.map((site) => [siteId(site), site]));
    const sites: Site[] = [];
    const changes: Changes = { added: 0, changed: 0, removed: 0 };
    while (sites.length < parts.siteCount) {
      for (const part of await thread.call("next", undefined)) {
        const site = withShared(part, parts.shared);
        const old = known.get(siteId(site));
        const isSame = old !== undefined && isDeepStrictEqual(old, site);
        sites.push(isSame ? old : site);
        if (!old) changes.added++;
        else if (!isSame) changes.changed++;
      }
    }
    changes.removed = before.length + changes.added - sites.length;
    return { ok: true, config: { ...parts.rest, sites }, changes };
  }

  /** See stateOfFiles(). @throws {Error} Where the thread fails */
  look(path: string, patterns: readonly string[]): Promise<string | null> {
    this.#isLooking = true;
    return this.#start().call("look", { path, patterns });
  }

  /** Ends the thread; a load under way fails. */
  async close(): Promise<void> {
    await this.#thread?.end();
  }
}

function withShared(
  { site, body, tls }: SiteOfSlice,
  shared: readonly SharedPart[],
): Site {
  if (body === null && tls === null) return site;
  const partAt = (place: number | null) => place === null ? null : shared[place];
  const parts = { body: partAt(body), tls: partAt(tls) } as Pick<SiteRequest, "body" | "tls">;
  return { ...site, request: { ...site.request, ...parts } };
}

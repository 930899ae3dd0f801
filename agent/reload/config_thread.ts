/**
 * The thread that loads a changed config: to load 10,000 sites takes half a second or more, for which
 * the main thread would hold every check.
 */
import type { Config, Site } from "../../config/types.ts";
import type { ConfigSource } from "../../runtime/mode_context.ts";
import { answer } from "../../runtime/answer.ts";

/** A config without its sites, or what is wrong with it. */
export type LoadedParts =
  | { ok: true; rest: Omit<Config, "sites">; siteCount: number; shared: SharedParts }
  | { ok: false; problems: readonly string[] };

/**
 * Parts that many sites may have in common, and that may be large: sent once, and named by their
 * place in these lists.
 */
export interface SharedParts {
  bodies: readonly Uint8Array[];
  tls: readonly NonNullable<Site["request"]["tls"]>[];
}

/** A site without its shared parts. */
export interface SiteOfSlice {
  site: Site;
  /** Places in SharedParts; null where the site has none. */
  body: number | null;
  tls: number | null;
}

/** Sites of one slice: some 1 ms of work for the main thread. */
const SLICE = 50;

/** Those of the loaded config that have not been asked for yet. */
let left: SiteOfSlice[] = [];

const handlers = {
  async load({ file, cwd }: ConfigSource): Promise<LoadedParts> {
    left = [];
    try {
      // Only now: a thread that waits needs no schema, and most agents never reload.
      const { loadConfig } = await import("../../config/load.ts");
      const { sites, ...config } = loadConfig(file, { mode: "agent", cwd });
      const bodies = new Places<Uint8Array>();
      const tls = new Places<NonNullable<Site["request"]["tls"]>>();
      left = sites.map((site) => ({
        site: { ...site, request: { ...site.request, body: null, tls: null } },
        body: bodies.placeOf(site.request.body),
        tls: tls.placeOf(site.request.tls),
      }));
      const shared = { bodies: bodies.items, tls: tls.items };
      // An agent has no use for those.
      const rest = { ...config, disabledSites: [] };
      return { ok: true, rest, siteCount: sites.length, shared };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, problems: message.split("\n").map((line) => line.trim()) };
    }
  },

  /** The next sites of what was loaded last. */
  next: (): SiteOfSlice[] => left.splice(0, SLICE),
};

export type ConfigHandlers = typeof handlers;

answer(handlers);

/** Distinct objects, in the order in which they were met. */
class Places<T extends object> {
  readonly items: T[] = [];
  readonly #places = new Map<T, number>();

  placeOf(item: T | null): number | null {
    if (item === null) return null;
    const known = this.#places.get(item);
    if (known !== undefined) return known;
    this.#places.set(item, this.items.length);
    return this.items.push(item) - 1;
  }
}

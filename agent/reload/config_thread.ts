/**
 * The thread that loads a changed config: to load 10,000 sites takes half a second or more, for which
 * the main thread would hold every check.
 */
import type { Config, Site } from "../../config/types.ts";
import type { ConfigSource } from "../../runtime/cli/mode_context.ts";
import { stateOfFiles } from "./file_watch.ts";
import { answer } from "../../runtime/thread/answer.ts";

/** A config without its sites, or what is wrong with it. */
export type LoadedParts =
  | { ok: true; rest: Omit<Config, "sites">; siteCount: number; shared: readonly SharedPart[] }
  | { ok: false; problems: readonly string[] };

/** What many sites may have in common, and may be large: sent once, and named by its place. */
export type SharedPart = NonNullable<Site["request"]["body" | "tls"]>;

/** A site without its shared parts. */
export interface SiteOfSlice {
  site: Site;
  /** Places among the shared parts; null where the site has none. */
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
      const places = new Map<SharedPart, number>();
      const placeOf = (part: SharedPart | null) => {
        if (part === null) return null;
        const place = places.get(part) ?? places.size;
        places.set(part, place);
        return place;
      };
      left = sites.map((site) => ({
        site: { ...site, request: { ...site.request, body: null, tls: null } },
        body: placeOf(site.request.body),
        tls: placeOf(site.request.tls),
      }));
      const shared = [...places.keys()];
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

  /** There may be thousands of files. */
  look: ({ path, patterns }: { path: string; patterns: readonly string[] }): string | null =>
    stateOfFiles(path, patterns),
};

export type ConfigHandlers = typeof handlers;

answer(handlers);

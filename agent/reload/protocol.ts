import type { Config, Site, SiteRequest } from "../../config/types.ts";

/** What the loading thread is asked: to load a config, then for its sites, slice by slice. */
export type LoadRequest = { type: "load"; file: string; cwd: string } | { type: "next" };

/** What it answers to "load". */
export type LoadReply =
  | { ok: true; rest: Omit<Config, "sites">; siteCount: number; shared: SharedParts }
  | { ok: false; problems: readonly string[] };

/**
 * Parts that many sites may have in common, and that may be large: sent once, and named by their
 * place in these lists.
 */
export interface SharedParts {
  bodies: readonly Uint8Array[];
  tls: readonly NonNullable<SiteRequest["tls"]>[];
}

/** A site without its shared parts; what it answers to "next" is a list of these. */
export interface SiteOfSlice {
  site: Site;
  /** Places in SharedParts; null where the site has none. */
  body: number | null;
  tls: number | null;
}

/** Sites of one slice: some 1 ms of work for the main thread. */
export const SLICE = 50;

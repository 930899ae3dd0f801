import type { Pool } from "pg";
import type { Config } from "../config/types.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { History } from "./data/past/history.ts";
import type { CurrentSites } from "./data/now/current_sites.ts";

/** What the app is handed. */
export interface WebDeps {
  /** Reads only. */
  pool: Pool;
  /** For what people do: acknowledge, silence. */
  operator: Pool;
  /** All sites as they are now. */
  sites: CurrentSites;
  /** What they were. */
  history: History;
  config: Pick<Config, "web" | "sites" | "database">;
  fetch: typeof globalThis.fetch;
  clock: Clock;
  log: Logger;
}

/** Who asks. */
export interface Who {
  /** Null: nobody had to log in. */
  name: string | null;
  /** "operate" may also change things: acknowledge, silence, check now, replay. */
  role: "view" | "operate";
}

/** Somebody who is known, or need not be. */
export interface Visitor extends Who {
  /** Whether a browser sends what tells who it is by itself, so that other sites can make it do so. */
  isAmbient: boolean;
}

/** What access/ says of each request, for hono's context. */
export interface Env {
  Variables: {
    who: Who;
    /** The same, for access/ alone; null where nobody is known. */
    visitor: Visitor | null;
    /** To be the field "csrf" of each form that changes something. */
    csrf: string;
  };
}

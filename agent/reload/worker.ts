/**
 * The thread that loads a changed config: to load 10,000 sites takes half a second or more, for which
 * the main thread would hold every check.
 */
import { parentPort } from "node:worker_threads";
import type { Site } from "../../config/types.ts";
import { type LoadReply, type LoadRequest, type SiteOfSlice, SLICE } from "./protocol.ts";

/** Those of the loaded config that have not been asked for yet. */
let left: SiteOfSlice[] = [];

parentPort!.on("message", async (request: LoadRequest) => {
  if (request.type === "next") parentPort!.postMessage(left.splice(0, SLICE));
  else {
    const reply = await load(request.file, request.cwd);
    const bodies = reply.ok ? reply.shared.bodies : [];
    parentPort!.postMessage(reply, bodies.map((body) => body.buffer as ArrayBuffer));
  }
});

async function load(file: string, cwd: string): Promise<LoadReply> {
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
    return {
      ok: true,
      // An agent has no use for those.
      rest: { ...config, disabledSites: [] },
      siteCount: sites.length,
      shared: { bodies: bodies.items, tls: tls.items },
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: message.split("\n").map((line) => line.trim()) };
  }
}

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

import { Hono } from "hono";
import { countStates } from "../data/now/selection.ts";
import type { SiteNow } from "../data/now/site_now.ts";
import type { Env, WebDeps } from "../env.ts";
import { Since, StateWord } from "../pages/parts/basics.tsx";
import { Head } from "../pages/parts/site_head.tsx";
import { headline, Wrong } from "../pages/parts/wrong.tsx";
import { Streams } from "./streams.ts";

/** More changes than this at once are told by the number alone. */
const MOST = 300;
const SITES = "sites";

/** /live: what changes on all sites, and /live/sites/ID: what one says. */
export function live({ sites, clock }: WebDeps): Hono<Env> {
  const streams = new Streams(clock);
  const app = new Hono<Env>();
  sites.subscribe(({ changed, heard }) => {
    if (changed.length > 0 && streams.has(SITES)) {
      const [now, counts] = [clock.now(), countStates(sites.all())];
      streams.send(SITES, SITES, {
        rows: changed.slice(0, MOST).map((site) => rowOf(site, now)),
        now: String(<Wrong sites={sites} counts={counts} now={now} />),
        title: headline(counts),
        text: newsOf(changed),
      });
    }
    for (const site of heard) {
      const topic = String(site.id);
      if (!streams.has(topic)) continue;
      streams.send(topic, "head", String(<Head site={site} known={site} now={clock.now()} />));
    }
  });
  const events = (topic: string) =>
    new Response(streams.open(topic), {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  app.get("/", () => events(SITES));
  app.get("/sites/:id{[0-9]+}", (c) => events(c.req.param("id")));
  return app;
}

function rowOf(site: SiteNow, now: number) {
  return {
    id: site.id,
    is: String(<StateWord state={site.state} />),
    since: site.state === "up" ? "" : String(<Since at={site.since} now={now} />),
  };
}

function newsOf(changed: readonly SiteNow[]): string {
  if (changed.length > 3) return `${changed.length} sites have changed`;
  return changed.map(({ name, state }) => `${name} is ${state}`).join(", ");
}

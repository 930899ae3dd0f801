import { Hono } from "hono";
import { countStates } from "../data/now/selection.ts";
import type { SiteNow } from "../data/now/site_now.ts";
import type { Env, WebDeps } from "../env.ts";
import { Since, StateWord } from "../pages/parts/basics.tsx";
import { Head } from "../pages/parts/site/site_head.tsx";
import { headline, Wrong } from "../pages/parts/wrong.tsx";
import { type Event, Streams } from "./streams.ts";

/** More changes than this at once are told by the number alone. */
const MOST = 300;
const SITES = "sites";

/**
 * /live: what changes on all sites, at once what did since the page was made (`since`, its revision) or
 * since the stream ended; and /live/sites/ID: what one says.
 */
export function live({ sites, clock }: WebDeps): Hono<Env> {
  const streams = new Streams(clock);
  const app = new Hono<Env>();
  const eventOf = (changed: readonly SiteNow[]): Event => {
    const [now, counts] = [clock.now(), countStates(sites.all())];
    const data = {
      rows: changed.slice(0, MOST).map((site) => rowOf(site, now)),
      now: String(<Wrong sites={sites} counts={counts} now={now} />),
      title: headline(counts),
      text: newsOf(changed),
    };
    return { event: SITES, data, id: sites.revision };
  };
  sites.subscribe(({ changed, heard }) => {
    if (changed.length > 0 && streams.has(SITES)) streams.send(SITES, eventOf(changed));
    for (const site of heard) {
      const topic = String(site.id);
      if (!streams.has(topic)) continue;
      const data = String(<Head site={site} known={site} now={clock.now()} />);
      streams.send(topic, { event: "head", data });
    }
  });
  const events = (topic: string, missed: Event | null = null) =>
    new Response(streams.open(topic, missed), {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  app.get("/", (c) => {
    const since = c.req.header("last-event-id") ?? c.req.query("since");
    const missed = since === undefined ? [] : sites.changedSince(Number(since));
    return events(SITES, missed.length > 0 ? eventOf(missed) : null);
  });
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

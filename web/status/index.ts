import { Hono } from "hono";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import type { Env, WebDeps } from "../env.ts";
import { amount, percent } from "../pages/parts/format.ts";
import { type Badge, badge } from "./badge.ts";
import { feed } from "./feed.ts";
import { COLOURS_URL, FEED_URL, statusPage } from "./page.tsx";
import { summary } from "./summary.ts";
import { type PublicSite, statusViews } from "./view.ts";

export const BADGES = ["uptime", "status", "response"] as const;

/**
 * What is public: /status, /status.json, /feed.atom and /badge; nothing where the config has none.
 *
 * @param place Of the page, where the config does not say under which URL it is reached
 */
export function status(deps: WebDeps, place: string): Hono<Env> {
  const app = new Hono<Env>();
  const { status, publicUrl } = deps.config.web;
  if (status === null) return app;
  const viewNow = statusViews(deps);
  const url = publicUrl === null ? place : `${publicUrl}/status`;
  const { logo } = status;
  // Its end tells a plain server what it is.
  const logoUrl = logo && `/status/logo.${logo.type.replace(/^image\/|\+xml$/g, "")}`;

  app.get(
    "/status",
    async (c) => c.html(statusPage(await viewNow(), status, logoUrl), 200, keptFor(10)),
  );
  app.get(COLOURS_URL, (c) => c.body(coloursOf(status.colours), 200, keptFor(300, "text/css")));
  if (logo) {
    app.get(logoUrl!, (c) => c.body(new Uint8Array(logo.bytes), 200, keptFor(300, logo.type)));
  }
  app.get(
    "/status.json",
    cors(),
    async (c) => c.json(summary(await viewNow(), status.title, url), 200, keptFor(10)),
  );
  app.get(FEED_URL, async (c) => {
    const text = feed(await viewNow(), status.title, url);
    return c.body(text, 200, keptFor(60, "application/atom+xml; charset=utf-8"));
  });
  app.get(`/badge/:id{[0-9]+}/:what{(?:${BADGES.join("|")})\\.svg}`, etag(), async (c) => {
    const { id, what } = c.req.param();
    const { groups } = await viewNow();
    const site = groups.flatMap(({ sites }) => sites).find((one) => String(one.id) === id);
    if (site === undefined) return c.notFound();
    return c.body(badge(badgeOf(site, what!.slice(0, -4))), 200, keptFor(60, "image/svg+xml"));
  });
  return app;
}

/** Headers of what anybody may keep for so many seconds. */
function keptFor(seconds: number, type?: string): Record<string, string> {
  return { "cache-control": `public, max-age=${seconds}`, ...type && { "content-type": type } };
}

/** A stylesheet of the config's colours. */
function coloursOf(colours: Readonly<Record<string, string>>): string {
  const lines = Object.entries(colours).map(([name, colour]) => `  --${name}: ${colour};\n`);
  return `:root {\n${lines.join("")}}\n`;
}

function badgeOf({ name, state, uptime, p95 }: PublicSite, what: string): Badge {
  switch (what) {
    case "uptime":
      return {
        label: `${name} uptime 90 d`,
        value: uptime === null ? "no data" : `${percent(uptime)} %`,
        state: uptime === null ? "unknown" : uptime < 0.99 ? "degraded" : "up",
      };
    case "response":
      return {
        label: `${name} response p95`,
        value: p95 === null ? "no data" : `${amount(p95)} ms`,
        state: p95 === null ? "unknown" : "up",
      };
    default:
      return { label: name, value: state === "unobserved" ? "no data" : state, state };
  }
}

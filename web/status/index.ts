import { Hono } from "hono";
import { etag } from "hono/etag";
import { assetUrl } from "../assets/index.ts";
import type { Env, WebDeps } from "../env.ts";
import { amount, percent } from "../pages/parts/format.ts";
import { type Badge, badge } from "./badge.ts";
import { feed } from "./feed.ts";
import { statusPage } from "./page.tsx";
import { summary } from "./summary.ts";
import { type PublicSite, statusViews } from "./view.ts";

export const BADGES = ["uptime", "status", "response"] as const;

/** What is public: /status, /status.json, /feed.atom and /badge; nothing where the config has none. */
export function status(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  const { status, publicUrl, listen } = deps.config.web;
  if (status === null) return app;
  const viewNow = statusViews(deps);
  const base = publicUrl ?? `http://${listen.host}:${listen.port}`;

  app.get("/status", async (c) => {
    c.header("cache-control", "public, max-age=10");
    const links = {
      style: assetUrl("style.css"),
      script: assetUrl("client.js"),
      colours: "/status/colours.css",
      logo: "/status/logo",
      feed: "/feed.atom",
    };
    return c.html(statusPage(await viewNow(), status, links));
  });
  app.get("/status/colours.css", (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.body(coloursOf(status.colours), 200, { "content-type": "text/css" });
  });
  app.get("/status/logo", (c) => {
    if (status.logo === null) return c.notFound();
    c.header("cache-control", "public, max-age=300");
    return c.body(new Uint8Array(status.logo.bytes), 200, { "content-type": status.logo.type });
  });
  app.get("/status.json", async (c) => {
    c.header("cache-control", "public, max-age=10");
    c.header("access-control-allow-origin", "*");
    return c.json(summary(await viewNow(), status.title, `${base}/status`));
  });
  app.get("/feed.atom", async (c) => {
    c.header("cache-control", "public, max-age=60");
    const text = feed(await viewNow(), status.title, `${base}/status`);
    return c.body(text, 200, { "content-type": "application/atom+xml; charset=utf-8" });
  });
  app.get(`/badge/:id{[0-9]+}/:what{(?:${BADGES.join("|")})\\.svg}`, etag(), async (c) => {
    const { id, what } = c.req.param();
    const { groups } = await viewNow();
    const site = groups.flatMap(({ sites }) => sites).find((one) => String(one.id) === id);
    if (site === undefined) return c.notFound();
    c.header("cache-control", "public, max-age=60");
    const text = badge(
      badgeOf(site, what!.slice(0, -4), deps.history.percentiles(site.id)?.p95 ?? null),
    );
    return c.body(text, 200, { "content-type": "image/svg+xml" });
  });
  return app;
}

/** A stylesheet of the config's colours. */
export function coloursOf(colours: Readonly<Record<string, string>>): string {
  const lines = Object.entries(colours).map(([name, colour]) => `  --${name}: ${colour};\n`);
  return `:root {\n${lines.join("")}}\n`;
}

/** @param p95 Milliseconds */
export function badgeOf(
  { name, state, uptime }: PublicSite,
  what: string,
  p95: number | null,
): Badge {
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

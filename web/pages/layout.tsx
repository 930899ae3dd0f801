import type { Context } from "hono";
import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { assetUrl } from "../assets/index.ts";
import type { Env, WebDeps } from "../env.ts";
import { ICON } from "./bare.tsx";
import { Since } from "./parts/basics.tsx";
import { Hatch } from "./parts/strip.tsx";

const PAGES = [
  ["/", "Overview"],
  ["/incidents", "Incidents"],
  ["/agents", "Agents"],
  ["/pipeline", "Pipeline"],
  ["/reports", "Reports"],
] as const;

export interface PageOptions {
  /** Of the browser's tab, before the dashboard's own. */
  title: string;
  /** The path of what arrives by itself, below /live; left out: nothing arrives by itself. */
  live?: string;
  /** Whether there are charts on it. */
  charts?: boolean;
  status?: 200 | 400 | 403 | 404 | 500;
}

/** A page of the dashboard around what is particular to it. */
export function page(
  c: Context<Env>,
  { config, sites, clock }: WebDeps,
  { title, live, charts = false, status = 200 }: PageOptions,
  content: Child,
): Response | Promise<Response> {
  const { name } = c.get("who");
  const { title: own } = config.web;
  return c.html(
    <>
      {raw("<!DOCTYPE html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>{`${title} · ${own}`}</title>
          <link rel="icon" href={ICON} />
          <link rel="stylesheet" href={assetUrl("style.css")} />
          <script src={assetUrl("client.js")} defer></script>
          {charts && <script src={assetUrl("chart.js")} defer></script>}
        </head>
        <body data-live={live}>
          <a class="skip" href="#main">Skip to the content</a>
          <header class="top">
            <a class="brand" href="/">{own}</a>
            <nav aria-label="Pages">
              {PAGES.map(([path, label]) => (
                <a href={path} aria-current={isHere(c.req.path, path) ? "page" : undefined}>
                  {label}
                </a>
              ))}
            </nav>
            {name !== null && <span class="who">{name}</span>}
            {name !== null && name in config.web.access.users && (
              <form method="post" action="/logout" class="inline">
                <input type="hidden" name="csrf" value={c.get("csrf")} />
                <button type="submit">Log out</button>
              </form>
            )}
          </header>
          <main id="main" tabindex={-1}>
            {sites.failingSince !== null && (
              <p class="banner" role="status">
                The database has not answered for{" "}
                <Since at={sites.failingSince} now={clock.now()} />: what is shown is from before.
              </p>
            )}
            {content}
          </main>
          <Hatch />
          <p id="news" class="news" role="status" aria-live="polite"></p>
        </body>
      </html>
    </>,
    status,
  );
}

function isHere(path: string, page: string): boolean {
  if (page === "/") return path === "/" || path.startsWith("/sites/");
  return path === page || path.startsWith(`${page}/`);
}

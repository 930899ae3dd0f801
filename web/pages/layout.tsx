import type { Context, MiddlewareHandler } from "hono";
import type { Child } from "hono/jsx";
import { assetUrl } from "../assets/index.ts";
import type { Env, WebDeps } from "../env.ts";
import { bare } from "./bare.tsx";
import { Send, Since } from "./parts/basics.tsx";
import { Hatch } from "./parts/strip.tsx";

const PAGES = [
  ["/", "Overview"],
  ["/incidents", "Incidents"],
  ["/agents", "Agents"],
  ["/pipeline", "Pipeline"],
  ["/reports", "Reports"],
] as const;

interface PageOptions {
  /** Of the browser's tab, before the dashboard's own. */
  title: string;
  /** The path of what arrives by itself, below /live; left out: nothing arrives by itself. */
  live?: string;
  /** Whether there are charts on it. */
  charts?: boolean;
  /** @default 200 */
  status?: 404 | 500;
}

declare module "hono" {
  interface ContextRenderer {
    (content: Child, options: PageOptions): Response | Promise<Response>;
  }
}

/** Has `c.render` put the dashboard around what is particular to a page. */
export function layout({ config, sites, clock }: WebDeps): MiddlewareHandler<Env> {
  const { title: own, access } = config.web;
  return async (c, next) => {
    c.setRenderer((content, { title, live, charts = false, status }) => {
      const { name } = c.get("who");
      const scripts = (
        <>
          <script src={assetUrl("client.js")} defer></script>
          {charts && <script src={assetUrl("chart.js")} defer></script>}
        </>
      );
      const body = (
        <>
          <a class="hidden skip" href="#main">Skip to the content</a>
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
            {name !== null && name in access.users &&
              <Send to="/logout" csrf={c.get("csrf")} says="Log out" />}
          </header>
          <main id="main" tabindex={-1}>
            {sites.failingSince !== null && (
              <p class="banner" role="status">
                The database has not answered for{" "}
                <Since at={sites.failingSince} now={clock.now()} />
                : what is shown is from before. Does it run, and can it be reached from here?
              </p>
            )}
            {content}
          </main>
          <Hatch />
          <p id="news" class="hidden" role="status" aria-live="polite"></p>
        </>
      );
      return c.html(bare(`${title} · ${own}`, body, { more: scripts, live }), status);
    });
    await next();
  };
}

/** A page that only says something. */
export function message(c: Context<Env>, title: string, text: string, status: 404 | 500 = 404) {
  return c.render(
    <>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href="/">To the overview</a>
      </p>
    </>,
    { title, status },
  );
}

function isHere(path: string, page: string): boolean {
  if (page === "/") return path === "/" || path.startsWith("/sites/");
  return path === page || path.startsWith(`${page}/`);
}

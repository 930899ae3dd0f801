import { Hono } from "hono";
import { createHash } from "node:crypto";
import uplotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplot from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import type { Env } from "../env.ts";
import chart from "./chart.js" with { type: "text" };
import client from "./client.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

const FILES = {
  "style.css": { type: "text/css", text: `${style}\n${uplotStyle}` },
  "client.js": { type: "text/javascript", text: client },
  "chart.js": { type: "text/javascript", text: `${uplot}\n${chart}` },
} as const;

type Name = keyof typeof FILES;

/** By file, a hash of what is in it. */
const VERSIONS = Object.fromEntries(
  Object.entries(FILES).map(([name, { text }]) => [
    name,
    createHash("sha256").update(text).digest("hex").slice(0, 12),
  ]),
) as Record<Name, string>;

/** Where a page finds one; another address when it changes, so that it may be kept for good. */
export function assetUrl(name: Name): string {
  return `/assets/${VERSIONS[name]}/${name}`;
}

/** The stylesheet and the scripts, from within the program. */
export function assets(): Hono<Env> {
  const app = new Hono<Env>();
  for (const [name, { type, text }] of Object.entries(FILES)) {
    app.get(`/:version/${name}`, (c) => {
      const isCurrent = c.req.param("version") === VERSIONS[name as Name];
      c.header("cache-control", isCurrent ? "public, max-age=31536000, immutable" : "no-cache");
      return c.body(text, 200, { "content-type": `${type}; charset=utf-8` });
    });
  }
  return app;
}

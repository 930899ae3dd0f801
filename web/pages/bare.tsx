import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { assetUrl } from "../assets/index.ts";

interface Head {
  /** More of what is in its head. */
  more?: Child;
  /** The path of what arrives by itself. */
  live?: string;
}

/** A page without the dashboard around it. */
export function bare(title: string, body: Child, { more = null, live }: Head = {}) {
  return html`<!DOCTYPE html>${(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href={ICON} />
        <link rel="stylesheet" href={assetUrl("style.css")} />
        {more}
      </head>
      <body data-live={live}>{body}</body>
    </html>
  )}`;
}

const ICON = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="9" width="3" height="6" fill="#1a7f4b"/>' +
    '<rect x="6.5" y="5" width="3" height="10" fill="#1a7f4b"/><rect x="12" y="1" width="3" height="14" fill="#2457d6"/></svg>',
);

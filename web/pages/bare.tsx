import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { assetUrl } from "../assets/index.ts";

/** A page without the dashboard around it. @param more What else is in its head */
export function bare(title: string, body: Child, more: Child = null) {
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
      <body>{body}</body>
    </html>
  )}`;
}

export const ICON = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="9" width="3" height="6" fill="#1a7f4b"/>' +
    '<rect x="6.5" y="5" width="3" height="10" fill="#1a7f4b"/><rect x="12" y="1" width="3" height="14" fill="#2457d6"/></svg>',
);

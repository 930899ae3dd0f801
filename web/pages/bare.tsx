import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { assetUrl } from "../assets/index.ts";

/** A page without the dashboard around it. @param head More of what is in its head */
export function bare(title: string, body: Child, head: Child = null) {
  return html`<!DOCTYPE html>${(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="stylesheet" href={assetUrl("style.css")} />
        {head}
      </head>
      <body>{body}</body>
    </html>
  )}`;
}

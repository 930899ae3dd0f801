import { html } from "hono/html";
import { exact } from "../pages/parts/format.ts";
import type { PublicIncident, StatusView } from "./view.ts";

/** Incidents as an Atom feed (RFC 4287): an entry each, which changes as they go on. @param url The page's */
export function feed(view: StatusView, title: string, url: string): string {
  const entries = view.incidents.map((incident) => {
    const times = [
      incident.openedAt,
      incident.closedAt ?? 0,
      ...incident.notes.map(({ at }) => at),
    ];
    return { incident, updated: Math.max(...times) };
  });
  const latest = Math.max(...entries.map(({ updated }) => updated));
  const name = plain(title);
  return String(html`
    <?xml version="1.0" encoding="utf-8"?>
    <feed xmlns="http://www.w3.org/2005/Atom">
      <title>${name}</title>
      <id>${idOf(url)}</id>
      <updated>${time(entries.length === 0 ? view.asOf : latest)}</updated>
      <author><name>${name}</name></author>
      <link href="${url}"/>
    ${entries.map(({ incident, updated }) =>
      html`
        <entry>
          <title>${plain(incident.title)}</title>
          <id>${idOf(`${url} ${incident.id}`)}</id>
          <published>${time(incident.openedAt)}</published>
          <updated>${time(updated)}</updated>
          <link href="${`${url}#incident-${incident.id}`}" />
          <content type="text">${plain(textOf(incident))}</content>
        </entry>
      `
    )}</feed>
  `).trim();
}

/** What is said of an incident as plain text, the newest first. */
function textOf({ openedAt, closedAt, notes }: PublicIncident): string {
  return [
    ...(closedAt === null ? [] : [`${exact(closedAt)}: It is over.`]),
    ...notes.toReversed().map(({ at, text }) => `${exact(at)}: ${text}`),
    `${exact(openedAt)}: It began.`,
  ].join("\n");
}

/** Without the characters that XML cannot say. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same for the same text, and no other's (RFC 4151). */
function idOf(text: string): string {
  return `tag:httpmon,2026:${encodeURIComponent(text)}`;
}

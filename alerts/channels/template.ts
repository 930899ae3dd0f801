import type { Message, NoticeEvent } from "../message/message.ts";
import { cut } from "../message/text.ts";
import { wordsOf } from "../message/words.ts";

/**
 * What a receiver wants, in the form in which it wants it, with `{{path}}` in its texts. A map with
 * `$by` chooses: `{ $by: tone, critical: 5, else: 3 }`.
 */
export type Template =
  | string
  | number
  | boolean
  | null
  | readonly Template[]
  | { readonly [key: string]: Template };

/** Whether JSON can hold it. */
export function isTemplate(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isTemplate);
  return Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every(isTemplate);
}

/**
 * What paths in a template begin with.
 *
 * @param channel Its own keys
 * @param now Wall clock, milliseconds since 1970
 */
export function fieldsOf(message: Message, channel: object, now: number) {
  const { incidents, left } = message;
  const incident = incidents[0]!;
  const words = wordsOf(message, now);
  return {
    ...{ ...message, ...words, channel, incident },
    action: actionOf(message.event, left, incidents.length),
    count: incidents.length,
    /** Seconds since 1970. */
    openedAt: Math.floor(Date.parse(incident.openedAt) / 1_000),
    /** The colour as a number. */
    rgb: parseInt(words.colour.slice(1), 16),
    host: URL.parse(incident.url)?.host ?? incident.site,
    reason: incident.evidence.at(-1)?.seen?.reason ?? incident.kind,
    details: {
      ...Object.fromEntries(words.facts.map(([name, value]) => [name.toLowerCase(), value])),
      ...words.list.length > 0 && { sites: words.list },
    },
  };
}

type Fields = ReturnType<typeof fieldsOf>;

/** What becomes of an alert that is kept by its thread, which others may be in. */
function actionOf(event: NoticeEvent, left: number, count: number) {
  if (event === "opened" || event === "test") return "create";
  if (event === "resolved" && left === 0) return "close";
  return event === "acknowledged" && left <= count ? "acknowledge" : "note";
}

/**
 * `{{path}}`; `{{path|N}}` for N characters of it at the most; `{{path?}}` where the whole text is to be
 * left out if it leads nowhere.
 */
const HOLE = /\{\{\s*([\w.]+)\s*(\?)?(?:\|\s*(\d+)\s*)?\}\}/g;
const ONE_HOLE = new RegExp(`^${HOLE.source}$`);

/**
 * Fills a template in. A text that is one hole becomes what the path leads to, whatever it is; where it
 * leads nowhere, the map that it stands in goes without its key, and a longer text without it.
 */
export function fill(template: Template, fields: Fields): unknown {
  if (typeof template === "string") {
    const [, path, , most] = ONE_HOLE.exec(template) ?? [];
    if (path !== undefined && most === undefined) return at(fields, path);
    const isOut = [...template.matchAll(HOLE)].some(([, path, optional]) =>
      optional && !at(fields, path!)
    );
    return isOut ? undefined : fillText(template, fields, String);
  }
  if (Array.isArray(template)) return template.map((each) => fill(each, fields) ?? null);
  if (typeof template !== "object" || template === null) return template;
  const map = template as { readonly [key: string]: Template };
  if (typeof map.$by === "string") {
    const chosen = String(at(fields, map.$by));
    return fill((Object.hasOwn(map, chosen) ? map[chosen] : map.else) ?? null, fields);
  }
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, fill(value, fields)])
      .filter(([, value]) => value !== undefined && value !== null),
  );
}

/** Fills a URL in; what stands at its start is one itself, all else is encoded. */
export function fillUrl(template: Template, fields: Fields): string {
  const chosen = typeof template === "string" ? template : String(fill(template, fields));
  return fillText(
    chosen,
    fields,
    (value, offset) =>
      offset === 0 ? value.replace(/\/$/, "") : encodeURIComponent(value).replaceAll("%3A", ":"),
  );
}

function fillText(
  text: string,
  fields: Fields,
  show: (value: string, offset: number) => string,
): string {
  return text.replace(HOLE, (_, path: string, _optional, most: string | undefined, offset) => {
    const value = at(fields, path) ?? "";
    const shown = typeof value === "object" ? JSON.stringify(value) : String(value);
    return show(most === undefined ? shown : cut(shown, Number(most)), offset);
  });
}

function at(fields: Fields, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined,
    fields,
  );
}

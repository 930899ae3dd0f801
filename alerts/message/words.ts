import { span } from "../../runtime/in_words.ts";
import { alike, byWhom, causeOfAll, type Fact, factsOf, sinceOf } from "./facts.ts";
import { kindOf } from "./kinds.ts";
import type { Incident, Message, NoticeEvent } from "./message.ts";
import { cut, literal, printable } from "./text.ts";

/** Incidents of a message that are named one by one. */
const MOST_LISTED = 20;
const MOST_TITLE = 200;
const MOST_VALUE = 500;

/** What colour a message has, and what is looked up by it where a receiver knows priorities. */
export type Tone = "critical" | "warning" | "resolved" | "info";

/** A message in words: what every channel shows, each in its own form. */
export interface Words {
  tone: Tone;
  /** One character that tells the tone. */
  mark: string;
  /** "#d92d20" */
  colour: string;
  /** One line, "shop is down: status 503". */
  title: string;
  /** Names and values, of the one incident or of the first of several. */
  facts: Fact[];
  /** A line each of several incidents; empty where there is one. */
  list: string[];
  link: string | null;
  /** All of it but the title and the link. */
  text: string;
  /** Title, text and link. */
  plain: string;
  /** Text and link, with what was said by a site taken as the text that it is. */
  markdown: string;
}

/** What a link to the dashboard says. */
export const LINK_TEXT = "Open in the dashboard";

const TONES: Record<Tone, Pick<Words, "mark" | "colour">> = {
  critical: { mark: "🔴", colour: "#d92d20" },
  warning: { mark: "🟠", colour: "#dc6803" },
  resolved: { mark: "🟢", colour: "#079455" },
  info: { mark: "🔵", colour: "#1570ef" },
};

/** @param now Wall clock, milliseconds since 1970 */
export function wordsOf(message: Message, now: number): Words {
  const { event, incidents } = message;
  const first = incidents[0]!;
  const tone = toneOf(event, incidents);
  const title = cut(printable(titleOf(message, now)), MOST_TITLE);
  const several = incidents.length > 1;
  const facts = factsOf(message, now).map(([name, value]): [string, string] => [
    printable(name),
    cut(printable(value), MOST_VALUE),
  ]);
  const list = several ? listOf(incidents).map((line) => cut(printable(line), MOST_VALUE)) : [];
  const text = [...facts.map(([name, value]) => `${name}: ${value}`), ...list].join("\n");
  // Of several, that of the page on which all are.
  const link = several && first.link ? first.link.replace(/\/[^/]*$/, "") : first.link;
  const { mark, colour } = TONES[tone];
  return {
    ...{ tone, mark, colour, title, facts, list, link, text },
    plain: [`${mark} ${title}`, text, link].filter(Boolean).join("\n"),
    markdown: [
      ...facts.map(([name, value]) => `**${name}:** ${literal(value)}  `),
      ...list.map((line) => line.replace(/(?<=^- ).*/, literal)),
      ...link ? [`[${LINK_TEXT}](${link})`] : [],
    ].join("\n"),
  };
}

function toneOf(event: NoticeEvent, incidents: readonly Incident[]): Tone {
  if (event === "resolved") return "resolved";
  if (event === "acknowledged" || event === "test") return "info";
  return incidents.some(({ severity }) => severity === "critical") ? "critical" : "warning";
}

function lasted(incident: Incident, now: number): string {
  const until = incident.closedAt === null ? now : Date.parse(incident.closedAt);
  return span(until - Date.parse(sinceOf(incident)));
}

function titleOf({ event, includesOpening, incidents, left }: Message, now: number): string {
  const first = incidents[0]!;
  const { is, are, did, over } = kindOf(first);
  const isOne = incidents.length === 1;
  const count = incidents.length.toLocaleString("en-US");
  const who = isOne ? first.site : `${count} ${thingsOf(first)}${sharedHost(incidents)}`;
  const what = isOne ? is : are;
  const cause = causeOfAll(incidents);
  const why = cause && `: ${cause}`;
  switch (event) {
    case "test":
      return `Test: ${who} ${what}${why}`;
    case "acknowledged":
      return `${who}: acknowledged${byWhom(first)}`;
    case "reminder": {
      const still = /^(is|are) /.test(what) ? what.replace(" ", " still ") : `still ${what}`;
      return `${who} ${still}, for ${lasted(first, now)}${why}`;
    }
    case "resolved": {
      const again = `${isOne ? "is" : "are"} ${over}`;
      const after = isOne ? lasted(first, now) : null;
      const rest = left > 0 ? `; ${left.toLocaleString("en-US")} not yet` : "";
      if (!includesOpening) return `${who} ${again}${after ? ` after ${after}` : ""}${rest}`;
      const was = isOne && did ? did : what.replace(/^is /, "was ").replace(/^are /, "were ");
      return `${who} ${was} for ${after ?? "a time"}, and ${again}${why}${rest}`;
    }
    default:
      return `${who} ${what}${why}`;
  }
}

function thingsOf({ url, kind }: Incident): string {
  return url ? "sites" : kind.startsWith("agent") ? "agents" : "incidents";
}

function sharedHost(incidents: readonly Incident[]): string {
  const hosts = new Set(incidents.map(({ url }) => URL.parse(url)?.host ?? url));
  const [host] = hosts;
  return hosts.size === 1 && host ? ` of ${host}` : "";
}

function listOf(incidents: readonly Incident[]): string[] {
  const causes = alike(incidents);
  const lines = incidents.slice(0, MOST_LISTED).map(({ site, cause, acknowledgedAt }) =>
    `- ${site}${causes ? "" : `: ${cause}`}${acknowledgedAt ? " (acknowledged)" : ""}`
  );
  const more = incidents.length - lines.length;
  return more > 0 ? [...lines, `and ${more.toLocaleString("en-US")} more`] : lines;
}

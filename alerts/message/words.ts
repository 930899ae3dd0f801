import type { Incident, Message, NoticeEvent, Seen } from "./message.ts";
import { moment, span } from "../../runtime/in_words.ts";

/** Incidents of a message that are named one by one. */
const MOST_LISTED = 20;
/** Agents whose evidence is shown. */
const MOST_AGENTS = 5;
const MOST_TITLE = 200;
const MOST_VALUE = 500;
/** A phase that took this share of the time is said to be the slow one. */
const SLOW_SHARE = 0.5;
/** Of less, nobody asks where it went. */
const SLOW_MS = 100;

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
  facts: [name: string, value: string][];
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

/** What is said of a kind: while it lasts of one and of several, once it is over, and whose it is. */
interface KindWords {
  is: string;
  are: string;
  /** In the past, of one and of several, where that is not "was" or "were". */
  did?: string;
  over: string;
  whose: string;
}

const KINDS: Record<string, KindWords> = {
  down: { is: "is down", are: "are down", over: "up again", whose: "the site" },
  degraded: { is: "is degraded", are: "are degraded", over: "well again", whose: "the site" },
  unobserved: {
    is: "is not observed",
    are: "are not observed",
    over: "observed again",
    whose: "the monitor: nobody says how the site is",
  },
  agent_silent: {
    is: "is silent",
    are: "are silent",
    over: "heard again",
    whose: "the monitor: the agent, or its way to the broker",
  },
  agent_network: {
    is: "has lost most of its sites, alone",
    are: "have lost most of their sites, alone",
    did: "had lost most of its sites, alone",
    over: "seeing its sites again",
    whose: "the monitor: the agent, or its network",
  },
  slo_fast: {
    is: "misses its objective fast",
    are: "miss their objectives fast",
    did: "missed its objective fast",
    over: "missing its objective no more",
    whose: "the site",
  },
  slo_slow: {
    is: "misses its objective",
    are: "miss their objectives",
    did: "missed its objective",
    over: "missing its objective no more",
    whose: "the site",
  },
  channel_failed: {
    is: "takes no notifications",
    are: "take no notifications",
    did: "took no notifications",
    over: "taking notifications again",
    whose: "the channel, or the way to it",
  },
};

/** What of a site failed, by its error class or rule; any other reason is a rule that the answer broke. */
const STEPS: [RegExp, string][] = [
  [/^dns_/, "its name"],
  [/^(connection_|unreachable)/, "connecting to it"],
  [/^tls_/, "its TLS"],
  [/^timeout$/, "no full answer in time"],
  [/redirect/, "its redirects"],
  [/^(bad_|headers_|body_aborted)/, "its HTTP"],
  [/^certificate_/, "its certificate"],
  [/response_time/, "how long it takes"],
];

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

function kindOf({ kind }: Pick<Incident, "kind">): KindWords {
  const words = kind.replaceAll("_", " ");
  return KINDS[kind] ??
    { is: `has ${words}`, are: `have ${words}`, over: `without ${words} again`, whose: "" };
}

/** When it began: the first bad result that speaks for it, where there is one. */
function sinceOf({ evidence, openedAt }: Incident): string {
  return evidence[0]?.since ?? openedAt;
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

/** Whether one cause can be said for all. */
function alike(incidents: readonly Pick<Incident, "cause">[]): boolean {
  return incidents.every(({ cause }) => cause === incidents[0]!.cause);
}

/** The one cause of all, else what it begins with, the rule or class; empty where they differ in that. */
function causeOfAll(incidents: readonly Incident[]): string {
  if (alike(incidents)) return incidents[0]!.cause;
  const kinds = new Set(incidents.map(({ cause }) => /^[^:,]*(?=: )/.exec(cause)?.[0] ?? ""));
  return kinds.size === 1 ? [...kinds][0]! : "";
}

function sharedHost(incidents: readonly Incident[]): string {
  const hosts = new Set(incidents.map(({ url }) => URL.parse(url)?.host ?? url));
  const [host] = hosts;
  return hosts.size === 1 && host ? ` of ${host}` : "";
}

/** Of the one incident, or what can be said of several together. */
function factsOf(message: Message, now: number): Words["facts"] {
  const { incidents, event, includesOpening } = message;
  const [first] = incidents as [Incident];
  const one = incidents.length === 1 ? first : null;
  const seen = first.evidence.at(-1)?.seen;
  const causes = [...new Set(incidents.map(({ cause }) => cause))];
  const more = causes.length > 3 ? ` and ${causes.length - 3} more` : "";
  const why = causeOfAll(incidents) || `${causes.slice(0, 3).join("; ")}${more}`;
  const labels = Object.entries(one?.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  const agents = one === null || alike(one.evidence) ? [] : one.evidence.slice(0, MOST_AGENTS);
  const facts: [string, string | null | false | undefined][] = [
    ["What", one && whatWords(one)],
    ...whenFacts(incidents, now),
    ["Why", event === "resolved" ? why && `it was: ${why}` : why],
    ["Whose", faultOf(kindOf(first).whose, seen?.reason)],
    ["Saw", one && seen && seenWords(seen)],
    ["From", [...new Set(incidents.flatMap(({ locations }) => locations))].join(", ")],
    ["Flapping", one?.flapping && "it goes up and down; told once, until that is over"],
    ["Before", one?.before && beforeWords(one.before, one.openedAt)],
    ["Labels", labels.join(", ")],
    ["Acknowledged", one?.acknowledgedAt && `${moment(one.acknowledgedAt)}${byWhom(one)}`],
    ["Late", includesOpening && "nobody could be told of it before"],
    ...agents.map(({ location, agent, cause, since }): [string, string] => [
      location ?? agent,
      `${cause}, since ${moment(since)}`,
    ]),
  ];
  return facts.filter((fact): fact is [string, string] => !!fact[1]);
}

function whatWords({ site, url, kind, evidence }: Incident): string {
  const place = url || kind.startsWith("agent") && evidence[0]?.agent;
  return place && place !== site ? `${site} (${place})` : site;
}

function byWhom({ acknowledgedBy }: Incident): string {
  return acknowledgedBy ? ` by ${acknowledgedBy}` : "";
}

/** "Since", and "Until" once all of them are over. */
function whenFacts(incidents: readonly Incident[], now: number): Words["facts"] {
  const since = incidents.map(sinceOf).sort()[0]!;
  const lasted = (until: number) => span(until - Date.parse(since));
  const until = incidents.map(({ closedAt }) => closedAt ?? "~").sort().at(-1)!;
  if (until === "~") return [["Since", `${moment(since)}, ${lasted(now)} ago`]];
  return [
    ["Since", moment(since)],
    ["Until", `${moment(until)}, after ${lasted(Date.parse(until))}`],
  ];
}

function faultOf(whose: string, reason: string | undefined): string {
  if (whose !== "the site" || reason === undefined) return whose;
  const step = STEPS.find(([form]) => form.test(reason))?.[1];
  return `the site, ${step ?? "its answer"} (${step ? reason : `rule ${reason}`})`;
}

/** What the time of a check went by for. */
const PHASES: Record<string, string> = {
  dns: "for its name",
  connect: "to connect",
  tls: "for TLS",
  firstByte: "to the first byte",
  download: "to download",
};

function seenWords({ answer, status, ms, phases, address }: Seen): string {
  const slow = Object.entries(phases ?? {}).find(([, part]) =>
    part > SLOW_MS && part > SLOW_SHARE * (ms ?? Infinity)
  );
  return [
    answer ?? (status ? `status ${status}` : "no answer"),
    address && `from ${address}`,
    ms !== undefined && `in ${Math.round(ms)} ms`,
    slow && `${Math.round(slow[1])} ms of it ${PHASES[slow[0]] ?? slow[0]}`,
  ].filter(Boolean).join(", ");
}

function beforeWords(before: NonNullable<Incident["before"]>, openedAt: string): string {
  const { wellSince, incidents, seconds } = before;
  if (wellSince === null) return "no incident in 30 days";
  const wellMs = Date.parse(openedAt) - Date.parse(wellSince);
  // From degraded to down, for one, the one incident ends where the other begins.
  const well = wellMs < 1_000 ? "another incident until then" : `well for ${span(wellMs)}`;
  return `${well}; ${incidents} incident${incidents === 1 ? "" : "s"} in 30 days, ` +
    `${span(seconds * 1_000)} in all`;
}

function listOf(incidents: readonly Incident[]): string[] {
  const causes = alike(incidents);
  const lines = incidents.slice(0, MOST_LISTED).map(({ site, cause, acknowledgedAt }) =>
    `- ${site}${causes ? "" : `: ${cause}`}${acknowledgedAt ? " (acknowledged)" : ""}`
  );
  const more = incidents.length - lines.length;
  return more > 0 ? [...lines, `and ${more.toLocaleString("en-US")} more`] : lines;
}

/** Nothing that a site said starts a line, or turns the direction of what follows. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, " ");
}

function literal(text: string): string {
  return text.replace(/[\\`*_~|<>[\]#]/g, "\\$&");
}

/** `text` of so many characters at the most. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not within a pair of surrogates.
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

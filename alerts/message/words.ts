import type { Incident, Message, NoticeEvent, Seen } from "./message.ts";
import { duration, moment } from "./times.ts";

/** Incidents of a message that are named one by one. */
const MOST_LISTED = 20;
/** Agents whose evidence is shown. */
const MOST_AGENTS = 5;
const MOST_TITLE = 200;
const MOST_VALUE = 500;
/** A phase that took this share of the time is said to be the slow one. */
const SLOW_SHARE = 0.5;

/** What colour a message has, and what is looked up by it where a receiver knows priorities. */
export type Tone = "critical" | "warning" | "resolved" | "info";

/** A message in words: what every channel shows, each in its own form. */
export interface Words {
  tone: Tone;
  /** One character that tells the tone. */
  mark: string;
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

const MARKS = { critical: "🔴", warning: "🟠", resolved: "🟢", info: "🔵" } as const;

/** What is said of a kind: while it lasts of one and of several, once it is over, and whose it is. */
const KINDS: Record<string, { is: string; are: string; over: string; whose: string }> = {
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
    over: "seeing its sites again",
    whose: "the monitor: the agent, or its network",
  },
  slo_fast: {
    is: "misses its objective fast",
    are: "miss their objectives fast",
    over: "missing its objective no more",
    whose: "the site",
  },
  slo_slow: {
    is: "misses its objective",
    are: "miss their objectives",
    over: "missing its objective no more",
    whose: "the site",
  },
  channel_failed: {
    is: "takes no notifications",
    are: "take no notifications",
    over: "taking notifications again",
    whose: "the channel, or the way to it",
  },
};

/** What of a site failed, by its error class; any other reason is a rule that the answer broke. */
const STEPS: [RegExp, string][] = [
  [/^dns_/, "its name"],
  [/^(connection_|unreachable)/, "connecting to it"],
  [/^tls_/, "its TLS"],
  [/^timeout$/, "no full answer in time"],
  [/redirect/, "its redirects"],
  [/^(bad_|headers_|body_aborted)/, "its HTTP"],
];

/** @param now Wall clock, milliseconds since 1970 */
export function wordsOf(message: Message, now: number): Words {
  const { event, incidents } = message;
  const first = incidents[0]!;
  const tone = toneOf(event, incidents);
  const title = cut(printable(titleOf(message, now)), MOST_TITLE);
  const several = incidents.length > 1;
  const found = several ? factsOfAll(message, now) : factsOf(first, message, now);
  const facts = found.map(([name, value]): [string, string] => [
    printable(name),
    cut(printable(value), MOST_VALUE),
  ]);
  const list = several ? listOf(incidents).map((line) => cut(printable(line), MOST_VALUE)) : [];
  const text = [...facts.map(([name, value]) => `${name}: ${value}`), ...list].join("\n");
  // That of several would be the first one's alone.
  const link = several ? null : first.link;
  const mark = MARKS[tone];
  return {
    ...{ tone, mark, title, facts, list, link, text },
    plain: [`${mark} ${title}`, text, link].filter(Boolean).join("\n"),
    markdown: [
      ...facts.map(([name, value]) => `**${name}:** ${literal(value)}  `),
      ...list.map((line) => line.replace(/(?<=^- ).*/, literal)),
      ...link ? [`[Open](${link})`] : [],
    ].join("\n"),
  };
}

function toneOf(event: NoticeEvent, incidents: readonly Incident[]): Tone {
  if (event === "resolved") return "resolved";
  if (event === "acknowledged" || event === "test") return "info";
  return incidents.some(({ severity }) => severity === "critical") ? "critical" : "warning";
}

function kindOf({ kind }: Pick<Incident, "kind">) {
  const words = kind.replaceAll("_", " ");
  return KINDS[kind] ??
    { is: `has ${words}`, are: `have ${words}`, over: `without ${words} again`, whose: "" };
}

function titleOf({ event, includesOpening, incidents, left }: Message, now: number): string {
  const first = incidents[0]!;
  const { is, are, over } = kindOf(first);
  const count = incidents.length;
  const who = count === 1 ? first.site : `${count} ${thingsOf(first)}${sharedHost(incidents)}`;
  const verb = count === 1 ? "is" : "are";
  const why = first.cause && alike(incidents) ? `: ${first.cause}` : "";
  const lasted = (one: Incident) => duration(endOf(one, now) - Date.parse(one.openedAt));
  switch (event) {
    case "test":
      return `Test: ${who} ${is}${why}`;
    case "acknowledged":
      return `${who}: acknowledged${first.acknowledgedBy ? ` by ${first.acknowledgedBy}` : ""}`;
    case "reminder":
      return `${who} ${count === 1 ? is : are} still, for ${lasted(first)}${why}`;
    case "resolved": {
      const rest = left > 0 ? `; ${left} not yet` : "";
      if (!includesOpening) {
        return `${who} ${verb} ${over}${count === 1 ? ` after ${lasted(first)}` : ""}${rest}`;
      }
      const was = (count === 1 ? is : are).replace(/^is /, "was ").replace(/^are /, "were ");
      const forSo = count === 1 ? ` for ${lasted(first)}` : " for a time";
      return `${who} ${was}${forSo}, and ${verb} ${over}${why}${rest}`;
    }
    default:
      return `${who} ${count === 1 ? is : are}${why}`;
  }
}

function thingsOf({ url, kind }: Incident): string {
  return url ? "sites" : kind.startsWith("agent") ? "agents" : "incidents";
}

/** Whether one cause can be said for all. */
function alike(incidents: readonly Incident[]): boolean {
  return incidents.every(({ cause }) => cause === incidents[0]!.cause);
}

function sharedHost(incidents: readonly Incident[]): string {
  const hosts = new Set(incidents.map(({ url }) => URL.parse(url)?.host ?? url));
  const [host] = hosts;
  return hosts.size === 1 && host ? ` of ${host}` : "";
}

function factsOf(incident: Incident, { event }: Message, now: number): Words["facts"] {
  const { openedAt, closedAt, acknowledgedAt, acknowledgedBy, cause, evidence, before } = incident;
  const firstSeen = evidence[0]?.since ?? openedAt;
  const last = evidence.at(-1);
  const { whose } = kindOf(incident);
  const labels = Object.entries(incident.labels).map(([name, value]) => `${name}=${value}`);
  const facts: [string, string | null | false | undefined][] = [
    [
      "What",
      incident.url && incident.url !== incident.site
        ? `${incident.site} (${incident.url})`
        : incident.site,
    ],
    [
      "Since",
      `${moment(firstSeen)}${closedAt ? "" : `, ${duration(now - Date.parse(firstSeen))} ago`}`,
    ],
    [
      "Until",
      closedAt &&
      `${moment(closedAt)}, after ${duration(Date.parse(closedAt) - Date.parse(firstSeen))}`,
    ],
    ["Why", event === "resolved" ? cause && `it was: ${cause}` : cause],
    ["Whose", faultOf(whose, last?.seen?.reason)],
    ["Saw", last?.seen && seenWords(last.seen)],
    ["From", incident.locations.join(", ")],
    ["Before", before && beforeWords(before, openedAt)],
    ["Labels", labels.join(", ")],
    [
      "Acknowledged",
      acknowledgedAt && `${moment(acknowledgedAt)}${acknowledgedBy ? ` by ${acknowledgedBy}` : ""}`,
    ],
    ...evidence.length > 1
      ? evidence.slice(0, MOST_AGENTS).map((one): [string, string] => [
        one.location ?? one.agent,
        `${one.cause}, since ${moment(one.since)}`,
      ])
      : [],
  ];
  return facts.filter((fact): fact is [string, string] => !!fact[1]);
}

function faultOf(whose: string, reason: string | undefined): string {
  if (whose !== "the site" || reason === undefined) return whose;
  const step = STEPS.find(([form]) => form.test(reason))?.[1];
  return `the site, ${step ?? "its answer"} (${step ? reason : `rule ${reason}`})`;
}

function seenWords({ answer, status, ms, phases, address }: Seen): string {
  const slow = Object.entries(phases ?? {}).find(([, part]) =>
    part > SLOW_SHARE * (ms ?? Infinity)
  );
  const names: Record<string, string> = { firstByte: "first byte", tls: "TLS", dns: "name" };
  return [
    answer ?? (status && `status ${status}`),
    address && `from ${address}`,
    ms !== undefined && `in ${Math.round(ms)} ms`,
    slow && `${Math.round(slow[1])} ms of it ${names[slow[0]] ?? slow[0]}`,
  ].filter(Boolean).join(", ");
}

function beforeWords(before: NonNullable<Incident["before"]>, openedAt: string): string {
  const { wellSince, incidents, seconds } = before;
  if (wellSince === null) return "no incident in 30 days";
  const well = duration(Date.parse(openedAt) - Date.parse(wellSince));
  return `well for ${well}; ${incidents} incident${incidents === 1 ? "" : "s"} in 30 days, ` +
    `${duration(seconds * 1_000)} in all`;
}

function factsOfAll({ incidents, event }: Message, now: number): Words["facts"] {
  const first = incidents.map(({ openedAt }) => openedAt).sort()[0]!;
  const causes = [...new Set(incidents.map(({ cause }) => cause))];
  const locations = [...new Set(incidents.flatMap(({ locations }) => locations))];
  const reason = incidents[0]!.evidence.at(-1)?.seen?.reason;
  const facts: [string, string][] = [
    ["Since", `${moment(first)}, ${duration(now - Date.parse(first))} ago`],
    [
      "Why",
      `${event === "resolved" ? "it was: " : ""}${causes.slice(0, 3).join("; ")}${
        causes.length > 3 ? ` and ${causes.length - 3} more` : ""
      }`,
    ],
    ["Whose", faultOf(kindOf(incidents[0]!).whose, reason)],
    ["From", locations.join(", ")],
  ];
  return facts.filter(([, value]) => value);
}

function listOf(incidents: readonly Incident[]): string[] {
  const causes = alike(incidents);
  const lines = incidents.slice(0, MOST_LISTED).map(({ site, cause, acknowledgedAt }) =>
    `- ${site}${causes ? "" : `: ${cause}`}${acknowledgedAt ? " (acknowledged)" : ""}`
  );
  const more = incidents.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

/** Nothing that a site said starts a line, or turns the direction of what follows. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, " ");
}

function literal(text: string): string {
  return text.replace(/[\\`*_~|<>[\]#]/g, "\\$&");
}

function endOf({ closedAt }: Incident, now: number): number {
  return closedAt ? Date.parse(closedAt) : now;
}

/** `text` of so many characters at the most. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not within a pair of surrogates.
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

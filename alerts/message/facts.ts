import { moment, span } from "../../runtime/in_words.ts";
import { kindOf } from "./kinds.ts";
import type { Incident, Message, Seen } from "./message.ts";

/** Agents whose evidence is shown. */
const MOST_AGENTS = 5;
/** A phase that took this share of the time is said to be the slow one. */
const SLOW_SHARE = 0.5;
/** Of less, nobody asks where it went. */
const SLOW_MS = 100;

/** A name and a value, "Since" and when that was for one. */
export type Fact = [name: string, value: string];

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

/** Of the one incident, or what can be said of several together. */
export function factsOf(message: Message, now: number): Fact[] {
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

/** "Since", and "Until" once all of them are over. */
function whenFacts(incidents: readonly Incident[], now: number): Fact[] {
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

/** When it began: the first bad result that speaks for it, where there is one. */
export function sinceOf({ evidence, openedAt }: Incident): string {
  return evidence[0]?.since ?? openedAt;
}

/** Whether one cause can be said for all. */
export function alike(incidents: readonly Pick<Incident, "cause">[]): boolean {
  return incidents.every(({ cause }) => cause === incidents[0]!.cause);
}

/** The one cause of all, else what it begins with, the rule or class; empty where they differ in that. */
export function causeOfAll(incidents: readonly Incident[]): string {
  if (alike(incidents)) return incidents[0]!.cause;
  const kinds = new Set(incidents.map(({ cause }) => /^[^:,]*(?=: )/.exec(cause)?.[0] ?? ""));
  return kinds.size === 1 ? [...kinds][0]! : "";
}

export function byWhom({ acknowledgedBy }: Incident): string {
  return acknowledgedBy ? ` by ${acknowledgedBy}` : "";
}

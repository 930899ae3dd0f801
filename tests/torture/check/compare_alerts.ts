import type { Received } from "../../alerts/receiver.ts";
import type { Outage, Taken } from "../seen/alerting.ts";
import type { Findings } from "../invariants.ts";
import { HEALED_WITHIN_S, type Took } from "../patience.ts";

/** An incident as a table has it; times are ISO 8601, with microseconds. */
export interface Incident {
  /** Null: it is of no site. */
  url: string | null;
  agent: string | null;
  kind: string;
  openedAt: string;
  /** Null: it is open. */
  closedAt: string | null;
  /** What else is said of it. */
  content: string;
}

/** What is known of a round's alerts, beside its incidents. */
export interface AlertEvidence {
  outages: readonly Outage[];
  taken: readonly Taken[];
  /** Each healing, until all channels were told; null: not within the time. */
  tellings: readonly (Took | null)[];
  /** Of the agent, those that were down and those that were not. */
  sites: readonly string[];
  /** Up to when all is decided, and by an alerter that has read the topic anew; milliseconds since 1970. */
  until: number;
  /** Of the database of that one. */
  againDsn: string;
}

/** The longest that a check takes: it may have begun before its site went down, or came up. */
const CHECK_MS = 10_000;
/** An opening may wait for so long until it is plain whose fault it is. */
const HELD_MS = 15_000;

/** I11 to I14. */
export function compareAlerts(
  incidents: readonly Incident[],
  again: readonly Incident[],
  evidence: AlertEvidence,
): Findings {
  return {
    I11: compareOutages(incidents, evidence),
    I12: compareTellings(incidents, evidence),
    I13: evidence.tellings.filter((took) => took === null || took.fair > HEALED_WITHIN_S)
      .map((took) =>
        `not told within ${HEALED_WITHIN_S} s, but in ${took?.fair.toFixed(1) ?? "no time"}`
      ),
    I14: compareAgain(incidents, again, evidence),
  };
}

/** Each outage of the agent's sites is one incident, and there is no other of it and them. */
export function compareOutages(
  incidents: readonly Incident[],
  { outages, sites }: Pick<AlertEvidence, "outages" | "sites">,
): string[] {
  const wrong: string[] = [];
  const left = new Set(
    incidents.filter(({ url, agent }) => agent !== null || sites.includes(url ?? "")),
  );
  for (const { url, from, to } of outages) {
    const its = [...left].filter((one) =>
      one.url === url && one.kind === "down" && isBetween(one.openedAt, from, to) &&
      (to === null ? one.closedAt === null : isBetween(one.closedAt, to, null))
    );
    for (const one of its) left.delete(one);
    if (its.length !== 1) {
      wrong.push(`${its.length} incidents of ${url}, down from ${iso(from)} to ${to && iso(to)}`);
    }
  }
  return [...wrong, ...[...left].map((one) => `no outage is "${nameOf(one)}"`)];
}

/**
 * Each receiver took the opening and the end of an incident once, by the ids of its messages, and in this
 * order; and those that are told of the agent's sites took all of theirs.
 */
export function compareTellings(
  incidents: readonly Incident[],
  { taken, sites }: Pick<AlertEvidence, "taken" | "sites">,
): string[] {
  const names = new Set(incidents.map(nameOf));
  const wrong: string[] = [];
  for (const { channel, messages, isOfSites, unsigned } of taken) {
    const say = (what: string) => wrong.push(`${channel}: ${what}`);
    unsigned.forEach(say);
    const said = new Map<string, Set<string>>();
    const [opened, resolved] = [new Set<string>(), new Set<string>()];
    for (const { id, notice } of messages) {
      const its = incidentsIn(notice);
      const before = said.get(id);
      if (before) {
        // Who acts once per id would not act on it.
        const news = its.filter((name) => !before.has(`${notice.event} ${name}`));
        if (news.length > 0) say(`${id} comes again and says that "${news}" is ${notice.event}`);
        continue;
      }
      said.set(id, new Set(its.map((name) => `${notice.event} ${name}`)));
      for (const name of its) {
        if (!names.has(name)) say(`told of "${name}", which is no incident`);
        const done = notice.event === "opened" ? opened : resolved;
        if (done.has(name)) say(`told twice that "${name}" is ${notice.event}`);
        done.add(name);
        if (done === opened && resolved.has(name)) say(`"${name}" opens after its end`);
        if (done === resolved && notice.includesOpening) opened.add(name);
        if (done === resolved && !opened.has(name)) say(`"${name}" ends before it opens`);
      }
    }
    if (!isOfSites) continue;
    for (const one of incidents.filter(({ url }) => sites.includes(url ?? ""))) {
      const name = nameOf(one);
      if (!opened.has(name)) say(`not told of "${name}"`);
      else if (resolved.has(name) !== (one.closedAt !== null)) say(`not told how "${name}" is`);
    }
  }
  return wrong;
}

/** The topic read anew gives the same incidents. */
export function compareAgain(
  incidents: readonly Incident[],
  again: readonly Incident[],
  { until, sites }: Pick<AlertEvidence, "until" | "sites">,
): string[] {
  const linesOf = (some: readonly Incident[]) =>
    new Set(
      some.filter(({ openedAt, url }) =>
        Date.parse(openedAt) < until - HELD_MS || sites.includes(url ?? "")
      ).map((one) => {
        const isOver = one.closedAt !== null && Date.parse(one.closedAt) < until;
        return `${nameOf(one)} to ${isOver ? one.closedAt : "now"}: ${one.content}`;
      }),
    );
  const [first, second] = [linesOf(incidents), linesOf(again)];
  return [
    ...[...first.difference(second)].map((line) => `not again: ${line}`),
    ...[...second.difference(first)].map((line) => `only again: ${line}`),
  ];
}

function incidentsIn({ incident, incidents }: Received["notice"]): string[] {
  return (incidents ?? [incident]).map(({ url, site, kind, openedAt }) =>
    nameOf({ url: url || site, agent: null, kind, openedAt })
  );
}

function nameOf(
  { kind, url, agent, openedAt }: Pick<Incident, "kind" | "url" | "agent" | "openedAt">,
): string {
  return `${kind} of ${url ?? agent} from ${openedAt}`;
}

function isBetween(time: string | null, from: number, to: number | null): boolean {
  const ms = Date.parse(time ?? "");
  return ms > from - CHECK_MS && ms < (to ?? Infinity);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

import type { History } from "../past/history.ts";
import { KeptOfRevision } from "../kept.ts";
import type { CurrentSites } from "./current_sites.ts";
import { byName, type SiteNow } from "./site_now.ts";
import type { State } from "./site_state.ts";

/** The worst first. */
export const BY_URGENCY: readonly State[] = [
  "down",
  "degraded",
  "unobserved",
  "unknown",
  "maintenance",
  "up",
];

export const SORTS = [
  "group",
  "state",
  "name",
  "24h",
  "30d",
  "90d",
  "p50",
  "p95",
  "certificate",
] as const;
export type Sort = typeof SORTS[number];

/** Which sites. Empty: all. */
export interface Filter {
  /** In the name or the URL, in any case of letters. */
  text: string;
  state: string;
  /** "name: value" of a label. */
  label: string;
  location: string;
}

/** Which sites, and in which order. */
export interface Selection extends Filter {
  sort: Sort;
}

/** Sites in their order: by their ids, as what is said of them changes. */
export interface Selected {
  ids: readonly number[];
  /** How many there are of each group. */
  groups: ReadonlyMap<string, number>;
}

/** What is to be said of all sites, and what of them can be chosen. */
export interface Summary {
  labels: readonly string[];
  locations: readonly string[];
  /** Agents that say something of now, and others of the last 26 hours. */
  agentsHeard: number;
  agentsSilent: number;
  /** Whose certificate ends first. */
  nextCertificate: { id: number; expiresAt: number } | null;
  /** Of all sites together in the last month that is over; null where nothing counts. */
  lastMonth: { name: string; uptime: number } | null;
}

/** Selections are kept for pages and for who asks next: so many. */
const MOST = 16;

/** What is chosen of all sites, made once for as long as no site and no figure has changed. */
export class Selections {
  readonly #sites: CurrentSites;
  readonly #history: History;
  readonly #kept = new KeptOfRevision(MOST);

  constructor({ sites, history }: { sites: CurrentSites; history: History }) {
    this.#sites = sites;
    this.#history = history;
  }

  of({ text, state, label, location, sort }: Selection): Selected {
    return this.#once(JSON.stringify([text, state, label, location, sort]), () => {
      const found = filter(this.#sites.all(), { text, state, label, location });
      const groups = new Map<string, number>();
      for (const site of found) groups.set(groupOf(site), (groups.get(groupOf(site)) ?? 0) + 1);
      return { ids: inOrder(found, this.#history, sort).map(({ id }) => id), groups };
    });
  }

  summary(): Summary {
    return this.#once("summary", () => {
      const [labels, locations] = [new Set<string>(), new Set<string>()];
      let nextCertificate: Summary["nextCertificate"] = null;
      for (const site of this.#sites.all()) {
        const { id, certificateExpiresAt: expiresAt } = site;
        for (const label of labelsOf(site.labels)) labels.add(label);
        for (const location of site.locations) locations.add(location);
        if (expiresAt !== null && expiresAt < (nextCertificate?.expiresAt ?? Infinity)) {
          nextCertificate = { id, expiresAt };
        }
      }
      const agents = [...this.#sites.agents().values()];
      const agentsHeard = agents.filter(({ isHeard }) => isHeard).length;
      return {
        labels: [...labels].sort(byName),
        locations: [...locations].sort(byName),
        agentsHeard,
        agentsSilent: agents.length - agentsHeard,
        nextCertificate,
        lastMonth: this.#history.lastMonth(),
      };
    });
  }

  #once<T>(key: string, make: () => T): T {
    return this.#kept.get(`${this.#sites.revision} ${this.#history.revision}`, key, make);
  }
}

/** Those of `sites`. */
export function filter(
  sites: Iterable<SiteNow>,
  { text, state, label, location }: Filter,
): SiteNow[] {
  const needle = text.toLowerCase();
  return [...sites].filter((site) =>
    (state === "" || site.state === state) &&
    (location === "" || site.locations.includes(location)) &&
    (label === "" || labelsOf(site.labels).includes(label)) &&
    (needle === "" || site.name.toLowerCase().includes(needle) ||
      site.url.toLowerCase().includes(needle))
  );
}

/** By group and urgency, or the worst by a figure first. */
function inOrder(sites: readonly SiteNow[], history: History, sort: Sort): SiteNow[] {
  const urgency = new Map(BY_URGENCY.map((state, n) => [state, n]));
  const first = firstOf(sort, sites, history);
  // Numbers, as 10,000 sites are compared 130,000 times.
  const keys = sites.map((site) => ({
    site,
    first: first(site),
    then: urgency.get(site.state)! * 1e9 + site.rank,
  }));
  keys.sort((a, b) => a.first - b.first || a.then - b.then);
  return keys.map(({ site }) => site);
}

/** What sites are sorted by first, the smallest first; those without it come last. */
function firstOf(
  sort: Sort,
  sites: readonly SiteNow[],
  history: History,
): (site: SiteNow) => number {
  const last = Number.MAX_SAFE_INTEGER;
  switch (sort) {
    case "group": {
      const groups = [...new Set(sites.map(groupOf))].sort(byName);
      const ranks = new Map(groups.map((group, n) => [group, group === "" ? last : n]));
      return (site) => ranks.get(groupOf(site))!;
    }
    case "state":
      return () => 0;
    case "name":
      return ({ rank }) => rank;
    case "certificate":
      return ({ certificateExpiresAt }) => certificateExpiresAt ?? last;
    case "24h":
    case "30d":
    case "90d":
      return ({ id }) => history.uptime(id, parseInt(sort) === 24 ? 1 : parseInt(sort)) ?? last;
    case "p50":
    case "p95":
      return ({ id }) => -(history.percentiles(id)[sort] ?? -last);
  }
}

/** The conventional label by which sites are grouped; empty: none. */
export function groupOf({ labels }: SiteNow): string {
  return labels.group ?? "";
}

/** "name: value" each. */
export function labelsOf(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}: ${value}`);
}

/** How many sites there are of each state. */
export function countStates(sites: Iterable<SiteNow>): Record<State, number> {
  const counts = Object.fromEntries(BY_URGENCY.map((state) => [state, 0])) as Record<State, number>;
  for (const { state } of sites) counts[state]++;
  return counts;
}

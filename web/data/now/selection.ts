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

/** Of a site the number by which it is sorted, the smallest first; without one it comes last. */
type SortKey = (site: SiteNow, history: History) => number | null;

const uptimeKey = (days: number): SortKey => ({ id }, history) => history.uptime(id, days);
const slowestKey = (figure: "p50" | "p95"): SortKey => ({ id }, history) => {
  const ms = history.percentiles(id)[figure];
  return ms && -ms;
};

const SORT_KEYS = {
  state: () => 0,
  name: ({ rank }) => rank,
  "24h": uptimeKey(1),
  "30d": uptimeKey(30),
  "90d": uptimeKey(90),
  p50: slowestKey("p50"),
  p95: slowestKey("p95"),
  certificate: ({ certificateExpiresAt }) => certificateExpiresAt,
} satisfies Record<string, SortKey>;

export type Sort = "group" | keyof typeof SORT_KEYS;
export const SORTS = ["group", ...Object.keys(SORT_KEYS)] as Sort[];

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
      const agents = [...this.#sites.latest.agents().values()];
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
  const first = sort === "group" ? groupKey(sites) : SORT_KEYS[sort];
  // Numbers, as 10,000 sites are compared 130,000 times.
  const keys = sites.map((site) => ({
    site,
    first: first(site, history) ?? Number.MAX_SAFE_INTEGER,
    then: BY_URGENCY.indexOf(site.state) * 1e9 + site.rank,
  }));
  keys.sort((a, b) => a.first - b.first || a.then - b.then);
  return keys.map(({ site }) => site);
}

/** Those of no group come last. */
function groupKey(sites: readonly SiteNow[]): SortKey {
  const groups = [...new Set(sites.map(groupOf))].filter((group) => group !== "").sort(byName);
  const ranks = new Map(groups.map((group, n) => [group, n]));
  return (site) => ranks.get(groupOf(site)) ?? null;
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

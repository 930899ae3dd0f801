import type { History } from "../past/history.ts";
import type { State } from "./judge.ts";
import { byName, type SiteNow } from "./sites.ts";

/** The worst first. */
export const BY_URGENCY: readonly State[] = [
  "down",
  "degraded",
  "unobserved",
  "unknown",
  "maintenance",
  "up",
];

export const SORTS = ["group", "state", "name", "24h", "30d", "90d", "p50", "p95"] as const;
export type Sort = typeof SORTS[number];

/** Which sites, and in which order. Empty: all. */
export interface Selection {
  /** In the name or the URL, in any case of letters. */
  text: string;
  state: string;
  /** "name: value" of a label. */
  label: string;
  location: string;
  sort: Sort;
}

/** Sites in their order: by group and urgency, or the worst by a figure first. */
export function select(
  sites: Iterable<SiteNow>,
  history: History,
  { text, state, label, location, sort }: Selection,
): SiteNow[] {
  const needle = text.toLowerCase();
  const found = [...sites].filter((site) =>
    (state === "" || site.state === state) &&
    (location === "" || site.locations.includes(location)) &&
    (label === "" || labelsOf(site).includes(label)) &&
    (needle === "" || site.name.toLowerCase().includes(needle) ||
      site.url.toLowerCase().includes(needle))
  );
  const urgency = new Map(BY_URGENCY.map((state, n) => [state, n]));
  const first = firstOf(sort, found, history);
  // Numbers, as 10,000 sites are compared 130,000 times.
  const keys = found.map((site) => ({
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
    case "24h":
    case "30d":
    case "90d":
      return ({ id }) => history.uptime(id, parseInt(sort) === 24 ? 1 : parseInt(sort)) ?? last;
    case "p50":
    case "p95":
      return ({ id }) => -(history.percentiles(id)?.[sort] ?? -last);
  }
}

/** The conventional label by which sites are grouped; empty: none. */
export function groupOf({ labels }: SiteNow): string {
  return labels.group ?? "";
}

/** "name: value" each. */
export function labelsOf({ labels }: SiteNow): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}: ${value}`);
}

/** How many sites there are of each state. */
export function countStates(sites: Iterable<SiteNow>): Record<State, number> {
  const counts = Object.fromEntries(BY_URGENCY.map((state) => [state, 0])) as Record<State, number>;
  for (const { state } of sites) counts[state]++;
  return counts;
}

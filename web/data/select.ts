import type { History } from "./history.ts";
import type { State } from "./judge.ts";
import type { SiteNow } from "./sites.ts";

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
  const names = new Intl.Collator("en", { numeric: true });
  const urgency = new Map(BY_URGENCY.map((state, n) => [state, n]));
  const byState = (a: SiteNow, b: SiteNow) => urgency.get(a.state)! - urgency.get(b.state)!;
  const byName = (a: SiteNow, b: SiteNow) => names.compare(a.name, b.name);
  const byFigure = (figure: (site: SiteNow) => number | null, sign: number) => {
    const figures = new Map(found.map((site) => [site.id, figure(site)]));
    return (a: SiteNow, b: SiteNow) => {
      const [one, other] = [figures.get(a.id)!, figures.get(b.id)!];
      // Those without one come last.
      if (one === null || other === null) return Number(one === null) - Number(other === null);
      return sign * (one - other);
    };
  };
  const byGroup = (a: SiteNow, b: SiteNow) => {
    const [one, other] = [groupOf(a), groupOf(b)];
    // Those without one come last.
    return Number(one === "") - Number(other === "") || names.compare(one, other);
  };
  const order = {
    group: byGroup,
    state: byState,
    name: byName,
    "24h": byFigure(({ id }) => history.uptime(id, 1), 1),
    "30d": byFigure(({ id }) => history.uptime(id, 30), 1),
    "90d": byFigure(({ id }) => history.uptime(id, 90), 1),
    p50: byFigure(({ id }) => history.percentiles(id)?.p50 ?? null, -1),
    p95: byFigure(({ id }) => history.percentiles(id)?.p95 ?? null, -1),
  }[sort];
  return found.sort((a, b) => order(a, b) || byState(a, b) || byName(a, b));
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

import { type Config, type Site, siteId } from "../config/types.ts";
import type { SitePolicy } from "./state/book.ts";

/** What the config says of a site: how its results are counted, what becomes of them, who is told. */
export interface AlertPolicy extends Omit<SitePolicy, "parents" | "children"> {
  /** The longest that a check can take. */
  timeoutMs: number;
  /** Sites by their names, or URLs where they have none. */
  dependsOn: readonly string[];
  /** The sites of the config that depend on it, likewise. */
  dependants: readonly string[];
  /** Null: its config names none. */
  channels: readonly string[] | null;
  labels: Readonly<Record<string, string>>;
}

export type PolicyOf = (site: { name: string | null; url: string }) => AlertPolicy;

/** Of a site that the config does not have: the config's default. */
const TIMEOUT_MS = 120_000;

/** What the config says of sites: of those that it has, by their names, and of others. */
export function policies({ sites, alerts: { rules } }: Config): PolicyOf {
  const known = new Map(sites.map((site) => [siteId(site), site]));
  const links = sites.flatMap((site) =>
    parentsOf(site).map((parent) => ({ parent, child: siteId(site) }))
  );
  const byParent = Map.groupBy(links, ({ parent }) => parent);
  return ({ name, url }) => {
    const id = name ?? url;
    const site = known.get(id);
    return {
      ...rules,
      ...site?.alerting.rules,
      timeoutMs: site ? longestCheckMs(site) : TIMEOUT_MS,
      isGateway: byParent.has(id),
      // A config without any sites is one of which nothing can be said.
      isExpected: sites.length === 0 || site?.url === url,
      host: URL.parse(url)?.host ?? url,
      dependsOn: site ? parentsOf(site) : [],
      dependants: (byParent.get(id) ?? []).map(({ child }) => child),
      slo: site?.alerting.slo ?? null,
      channels: site?.channels ?? null,
      labels: site?.labels ?? {},
    };
  };
}

/** What all sites have from one place, that one among them has not. */
function parentsOf(site: Site): string[] {
  return site.alerting.dependsOn.filter((parent) => parent !== siteId(site));
}

function longestCheckMs({ retries: { attempts, delayMs }, timeoutMs }: Site): number {
  return attempts * timeoutMs + (attempts - 1) * delayMs;
}

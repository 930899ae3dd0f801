import { type Config, type Site, siteId } from "../config/types.ts";
import type { SitePolicy } from "./state/book.ts";

/** What the config says of a site: how its results are counted, what becomes of them, who is told. */
export interface AlertPolicy extends Omit<SitePolicy, "parents" | "children"> {
  /** The longest that a check can take. */
  timeoutMs: number;
  /** Sites by their names, or URLs where they have none. */
  dependsOn: readonly string[];
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
  const gateways = new Set(sites.flatMap(({ alerting }) => alerting.dependsOn));
  return ({ name, url }) => {
    const id = name ?? url;
    const site = known.get(id);
    return {
      ...rules,
      ...site?.alerting.rules,
      timeoutMs: site ? longestCheckMs(site) : TIMEOUT_MS,
      isGateway: gateways.has(id),
      // A config without any sites is one of which nothing can be said.
      isExpected: sites.length === 0 || site?.url === url,
      host: URL.parse(url)?.host ?? url,
      dependsOn: (site?.alerting.dependsOn ?? []).filter((parent) => parent !== id),
      slo: site?.alerting.slo ?? null,
      channels: site?.channels ?? null,
      labels: site?.labels ?? {},
    };
  };
}

function longestCheckMs({ retries: { attempts, delayMs }, timeoutMs }: Site): number {
  return attempts * timeoutMs + (attempts - 1) * delayMs;
}

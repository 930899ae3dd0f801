import { type Config, type Site, siteId } from "../config/types.ts";
import type { AlertPolicy } from "./rounds.ts";
import type { VoteRules } from "./topic/sink.ts";

/** Of a site that the config does not have: the config's default. */
const TIMEOUT_MS = 120_000;

/** What the config says of sites: of those that it has, by their names, and of others. */
export function policies({ sites, alerts: { rules } }: Config) {
  const known = new Map(sites.map((site) => [siteId(site), site]));
  const gateways = new Set(sites.flatMap(({ alerting }) => alerting.dependsOn));
  const find = (name: string | null | undefined, url: string) => known.get(name ?? url);
  return {
    rulesOf({ site: name, url }: { site?: string; url: string }): VoteRules {
      const site = find(name, url);
      return {
        rules: {
          ...rules,
          ...site?.alerting.rules,
          isGateway: gateways.has(name ?? url),
          isCounted: (site?.alerting.slo ?? null) !== null,
        },
        timeoutMs: site ? longestCheckMs(site) : TIMEOUT_MS,
      };
    },
    policyOf({ name, url }: { name: string | null; url: string }): AlertPolicy {
      const site = find(name, url);
      return {
        ...rules,
        ...site?.alerting.rules,
        // A config without any sites is one of which nothing can be said.
        isExpected: sites.length === 0 || site?.url === url,
        host: URL.parse(url)?.host ?? url,
        dependsOn: (site?.alerting.dependsOn ?? []).filter((parent) => parent !== (name ?? url)),
        slo: site?.alerting.slo ?? null,
        channels: site?.channels ?? null,
        labels: site?.labels ?? {},
      };
    },
  };
}

function longestCheckMs({ retries: { attempts, delayMs }, timeoutMs }: Site): number {
  return attempts * timeoutMs + (attempts - 1) * delayMs;
}

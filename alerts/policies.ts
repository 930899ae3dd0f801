import { type Config, type Site, siteId } from "../config/types.ts";
import type { AlertPolicy } from "./rounds.ts";
import type { VoteRules } from "./sink.ts";

/** Of a site that the config does not have: the config's default. */
const TIMEOUT_MS = 120_000;

/** What the config says of sites: of those that it has, by their names, and of others. */
export function policies({ sites, alerts: { rules, channels } }: Config) {
  const all = Object.keys(channels);
  const known = new Map(sites.map((site) => [siteId(site), site]));
  const find = (name: string | null | undefined, url: string) => known.get(name ?? url);
  return {
    channels: all,
    rulesOf({ site, url }: { site?: string; url: string }): VoteRules {
      const found = find(site, url);
      return { rules, timeoutMs: found ? longestCheckMs(found) : TIMEOUT_MS };
    },
    policyOf({ name, url }: { name: string | null; url: string }): AlertPolicy {
      const found = find(name, url);
      return {
        downWhen: rules.downWhen,
        // A config without any sites is one of which nothing can be said.
        isExpected: sites.length === 0 || found?.url === url,
        channels: found?.channels ?? all,
      };
    },
  };
}

function longestCheckMs({ retries: { attempts, delayMs }, timeoutMs }: Site): number {
  return attempts * timeoutMs + (attempts - 1) * delayMs;
}

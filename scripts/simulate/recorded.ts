import { policies } from "../../alerts/policies.ts";
import { toObservation } from "../../alerts/topic/observation.ts";
import { loadConfig } from "../../config/load.ts";
import { decode } from "../../wire/decode.ts";
import type { SiteResult, WorldOptions } from "./world.ts";

/**
 * Results of a file of messages, a line each, as `dbdump` writes them, under the rules
 * of a config. What the broker would have stamped is reckoned: the end of each check.
 *
 * @param configFile Null: the defaults
 */
export async function readRecorded(
  file: string,
  configFile: string | null,
): Promise<{ results: SiteResult[]; names: string[]; options: WorldOptions }> {
  const config = loadConfig(configFile ?? "config.yaml", { isOptional: configFile === null });
  const { rulesOf, policyOf } = policies(config);
  const ids = new Map<string, number>();
  const sites: { site?: string; url: string }[] = [];
  const results: SiteResult[] = [];
  for (const line of (await Deno.readTextFile(file)).split("\n")) {
    const decoded = decode(new TextEncoder().encode(line));
    if (!decoded.ok) continue;
    const { site, url, responseTime } = decoded.message;
    const name = site ?? url;
    if (!ids.has(name)) ids.set(name, sites.push({ site, url }));
    const { timeoutMs } = rulesOf({ site, url });
    const result = toObservation(decoded.message, -1n, timeoutMs);
    results.push({ ...result, at: result.at + Math.round(responseTime), site: ids.get(name)! });
  }
  const of = (id: number) => sites[id - 1]!;
  const policyAt = (id: number) => policyOf({ name: of(id).site ?? null, url: of(id).url });
  const idsOf = (names: readonly string[]) => names.flatMap((name) => ids.get(name) ?? []);
  return {
    results: results.sort((one, other) => one.at - other.at),
    names: [...ids.keys()],
    options: {
      rulesOf: (id) => rulesOf(of(id)).rules,
      policyOf: (id) => ({
        ...policyAt(id),
        parents: idsOf(policyAt(id).dependsOn),
        children: sites.flatMap((_, n) =>
          idsOf(policyAt(n + 1).dependsOn).includes(id) ? n + 1 : []
        ),
      }),
    },
  };
}

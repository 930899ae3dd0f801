import { KnownSites } from "../../alerts/known_sites.ts";
import { policies } from "../../alerts/policies.ts";
import type { Observation } from "../../alerts/state/votes.ts";
import { toObservation } from "../../alerts/topic/observation.ts";
import { loadConfig } from "../../config/load.ts";
import { decode } from "../../wire/decode.ts";
import type { WorldOptions } from "./world.ts";

/**
 * Results of a file of messages, a line each, as `dbdump` writes them, under the rules
 * of a config. What the broker would have stamped is reckoned: the end of each check.
 *
 * @param configFile Null: the defaults
 */
export async function readRecorded(
  file: string,
  configFile: string | null,
): Promise<{ results: Observation[]; names: string[]; options: WorldOptions }> {
  const config = loadConfig(configFile ?? "config.yaml", { isOptional: configFile === null });
  const policyOf = policies(config);
  const ids = new Map<string, number>();
  const sites = new KnownSites(policyOf);
  const results: Observation[] = [];
  for (const line of (await Deno.readTextFile(file)).split("\n")) {
    const decoded = decode(new TextEncoder().encode(line));
    if (!decoded.ok) continue;
    const { site: name = null, url, responseTime } = decoded.message;
    const id = name ?? url;
    if (!ids.has(id)) {
      ids.set(id, ids.size + 1);
      sites.add(ids.size, { name, url });
    }
    const { timeoutMs } = policyOf({ name, url });
    const result = toObservation(decoded.message, ids.get(id)!, -1n, timeoutMs);
    results.push({ ...result, at: result.at + Math.round(responseTime) });
  }
  return {
    results: results.sort((one, other) => one.at - other.at),
    names: [...ids.keys()],
    options: { policyOf: (id) => sites.policyOf(id) },
  };
}

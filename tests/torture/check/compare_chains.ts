import { type Account, hashOfValue, parseResult } from "./account.ts";
import type { Expired } from "./compare_results.ts";
import { canonical } from "./content.ts";
import type { Tables } from "./tables.ts";

/** I1 and I3 of the certificates that sites showed: each chain once, with all that it says. */
export function compareChains(
  { chains, letters }: Pick<Tables, "chains" | "letters">,
  { sent, acknowledged, records }: Account,
  expired: Expired | null = null,
): { lost: string[]; invented: string[] } {
  const setAside = new Set(letters.map(({ valueHash }) => valueHash));
  const shown = (values: readonly { value: string | null }[], all: boolean) =>
    new Set(values.flatMap(({ value }) => {
      const { ts, agentUUID: agent, url, tls } = parseResult(value!);
      const { chain } = (tls ?? {}) as { chain?: unknown[] };
      const mayMiss = setAside.has(hashOfValue(value)) || expired && ts < expired.before;
      if (!chain?.length || !all && mayMiss) return [];
      return [canonical([agent, url, chain])];
    }));
  const due = shown([...acknowledged, ...records], false);
  const known = shown([...sent, ...records], true);
  const there = chains.map(({ agent, url, chain }) => canonical([agent, url, chain]));
  return {
    lost: [...due].filter((one) => !there.includes(one)).map((one) => `lost the chain ${one}`),
    invented: [...new Set(there.filter((one, i) => !known.has(one) || there.indexOf(one) < i))]
      .map((one) => `the chain ${one}`),
  };
}

import { hashOfValue, type Results } from "./account.ts";
import type { Expired } from "./compare_results.ts";
import type { Tables } from "./tables.ts";

/** I1 and I3 of the certificates that sites showed: each chain once, with all that it says. */
export function compareChains(
  { chains, letters }: Pick<Tables, "chains" | "letters">,
  { sent, acknowledged, records, told }: Results,
  expired: Expired | null = null,
): { lost: string[]; invented: string[] } {
  const setAside = new Set(letters.map(({ valueHash }) => valueHash));
  const shown = (values: readonly { value: string | null }[], all: boolean) =>
    new Set(values.flatMap(({ value }) => {
      const { ts, agent, url, tls } = told.get(value)!;
      const { chain } = (tls ?? {}) as { chain?: unknown[] };
      if (!chain?.length) return [];
      const mayMiss = expired && ts < expired.before || setAside.has(hashOfValue(value));
      return all || !mayMiss ? [nameOf({ agent, url, chain })] : [];
    }));
  const due = shown([...acknowledged, ...records], false);
  const known = shown([...sent, ...records], true);
  const there = chains.map(nameOf);
  return {
    lost: [...due.difference(new Set(there))].map((one) => `lost the chain ${one}`),
    invented: [...new Set(there.filter((one, i) => !known.has(one) || there.indexOf(one) < i))]
      .map((one) => `the chain ${one}`),
  };
}

/** JSON in one order of keys. */
function nameOf({ agent, url, chain }: Tables["chains"][number]): string {
  return JSON.stringify([agent, url, chain], (_, part) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

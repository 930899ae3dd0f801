import { hashOfValue, type Results } from "./account.ts";
import type { Expired } from "./compare_results.ts";
import type { ShownChain, Tables } from "./tables.ts";

/**
 * I1 and I3 of the certificates that sites showed: each chain once, with all that it says, and with the
 * time of a result that showed it.
 */
export function compareChains(
  { chains, letters }: Pick<Tables, "chains" | "letters">,
  { acknowledged, records, told }: Results,
  expired: Expired | null = null,
): { lost: string[]; invented: string[] } {
  const setAside = new Set(letters.map(({ valueHash }) => valueHash));
  /** By the chains' names, the times of the results that show them. */
  const shown = new Map<string, Set<string>>();
  const names = new Map<string | null, string>();
  for (const [value, { ts, agent, url, tls }] of told) {
    const { chain } = (tls ?? {}) as { chain?: unknown[] };
    if (!chain?.length) continue;
    const name = nameOf({ agent, url, chain });
    names.set(value, name);
    shown.set(name, (shown.get(name) ?? new Set()).add(ts));
  }
  const due = new Set<string>();
  for (const { value } of [...acknowledged, ...records]) {
    const name = names.get(value);
    if (name === undefined || expired && told.get(value)!.ts < expired.before) continue;
    if (!setAside.has(hashOfValue(value))) due.add(name);
  }
  const there = chains.map(nameOf);
  const isInvented = ({ firstSeen }: ShownChain, i: number) =>
    there.indexOf(there[i]!) < i || !shown.get(there[i]!)?.has(firstSeen);
  return {
    lost: [...due.difference(new Set(there))].map((one) => `lost the chain ${one}`),
    invented: chains.flatMap((chain, i) => isInvented(chain, i) ? [`the chain ${there[i]}`] : []),
  };
}

/** JSON in one order of keys. */
function nameOf({ agent, url, chain }: Omit<ShownChain, "firstSeen">): string {
  return JSON.stringify([agent, url, chain], (_, part) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

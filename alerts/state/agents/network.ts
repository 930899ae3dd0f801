import type { Book } from "../book.ts";

/** Turned down together: within so long of one another. */
export const TOGETHER_MS = 120_000;
/** Of sites that others watch, so many on so many hosts are no chance. */
const ELSEWHERE = { sites: 2, hosts: 2 };
/** Of sites that nobody else watches. */
const ALONE = { sites: 21, hosts: 5 };

/** What an agent alone sees so, of sites that are lost to it. */
export interface Strange {
  site: number;
  at: number;
  isTurned: boolean;
  isUnknown: boolean;
  /** Whether others see it well, or the agent itself says that the trouble is its own. */
  isElsewhere: boolean;
}

/** Of the sites that are lost to an agent, those that are lost to nobody else. */
export function strangeTo(uuid: string, { sites, agents }: Book): Strange[] {
  const strange: Strange[] = [];
  for (const site of agents.get(uuid)!.lost) {
    const seenBy = sites.get(site)!.agents;
    const { at, ts, isTurned, isUnknown } = seenBy[uuid]!.view!.lost!;
    let others = 0;
    let isElsewhere = isUnknown;
    for (const other in seenBy) {
      const { view } = seenBy[other]!;
      if (other === uuid || !view?.watches || agents.get(other)?.state.networkSince) continue;
      others++;
      // Begun behind the first that was lost, so that nothing of before speaks for it.
      isElsewhere ||= view.lost === null && view.abstains === null && view.wellTs > ts;
    }
    if (isElsewhere || others === 0) strange.push({ site, at, isTurned, isUnknown, isElsewhere });
  }
  return strange;
}

/**
 * Whether it is the agent, or its network, and not the sites: most of what it watches turned down within
 * TOGETHER_MS, and was lost to nobody else.
 *
 * @returns Those that turned together; null: it is not
 */
export function lostTogether(
  strange: readonly Strange[],
  watching: number,
  hostOf: (site: number) => string,
): readonly Strange[] | null {
  const together = mostTogether(strange);
  if (together.length * 2 <= watching) return null;
  const isMany = (some: readonly Strange[], { sites, hosts }: typeof ALONE) =>
    some.length >= sites && new Set(some.map(({ site }) => hostOf(site))).size >= hosts;
  const elsewhere = together.filter(({ isElsewhere }) => isElsewhere);
  const is = elsewhere.length * 2 >= together.length && isMany(elsewhere, ELSEWHERE) ||
    isMany(together, ALONE);
  return is ? together : null;
}

function mostTogether(strange: readonly Strange[]): readonly Strange[] {
  const sorted = strange.toSorted((one, other) => one.at - other.at || one.site - other.site);
  let [from, until] = [0, 0];
  for (let first = 0, end = 0; end < sorted.length; end++) {
    while (sorted[end]!.at - sorted[first]!.at > TOGETHER_MS) first++;
    if (end + 1 - first > until - from) [from, until] = [first, end + 1];
  }
  return sorted.slice(from, until);
}

/** Whether an agent's trouble is over: at most a quarter of what it watches is lost to it alone. */
export function isOver(strange: readonly Strange[], watching: number): boolean {
  return strange.length * 4 <= watching;
}

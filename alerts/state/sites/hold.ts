import { TOGETHER_MS } from "../agents/network.ts";
import type { Book, SitePolicy } from "../book.ts";
import type { Voter, Wanted } from "../site.ts";

/**
 * Until when a site that the votes say is bad waits before it opens, as it is not plain yet whose fault
 * it is. Each thing waited for has its end, milliseconds since 1970; what is past holds nothing up.
 */
export function holdUntil(
  wanted: Wanted,
  voters: readonly Voter[],
  { parents }: SitePolicy,
  book: Book,
): number {
  const since = Math.min(...voters.map(({ since }) => since!));
  return Math.max(
    ...parents.map((parent) => untilToldOf(parent, wanted.at, since, book)),
    ...voters.map((voter) => untilVouched(voter, book)),
    0,
  );
}

/**
 * What it depends on fails as often later as first: its next result is waited for, and where that is bad
 * as well, those behind it, until they say what it is.
 */
function untilToldOf(
  parent: number,
  at: number,
  since: number,
  { sites, policyOf }: Book,
): number {
  const site = sites.get(parent);
  const views = Object.values(site?.agents ?? {}).flatMap(({ view }) => view?.watches ? view : []);
  const isLost = views.some(({ lost }) => lost !== null);
  if (!isLost && views.some(({ wellTs }) => wellTs > since)) return 0;
  const { failureThreshold } = policyOf(parent);
  const waits = views.map(({ freshMs, intervalMs }) =>
    freshMs - intervalMs + (isLost ? failureThreshold * intervalMs : 0)
  );
  return at + Math.max(...waits, 0);
}

/** An agent that has seen nothing well since may be about to lose all that it watches. */
function untilVouched({ agent: uuid, lost }: Voter, { agents }: Book): number {
  const agent = agents.get(uuid)!;
  if (lost === null || agent.state.wellAt > lost.at || agent.lost.size === agent.sites.size) {
    return 0;
  }
  return lost.at + TOGETHER_MS;
}

/** How long a site has to come up when what it depends on has. */
export function recoveryMs(voters: readonly Voter[], { successThreshold }: SitePolicy): number {
  return Math.max(
    ...voters.map(({ freshMs, intervalMs }) => freshMs + (successThreshold - 1) * intervalMs),
  );
}

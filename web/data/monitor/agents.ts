import type { Pool } from "pg";
import { z } from "zod";
import type { CurrentSites } from "../now/current_sites.ts";
import { STATES } from "../now/site_state.ts";
import { text, time } from "../shape.ts";
import { rowsOf } from "../sql.ts";

/** An agent, as its results tell. */
export const agent = z.object({
  id: z.int(),
  uuid: z.guid(),
  location: text,
  labels: z.record(z.string(), z.string()),
  sites: z.int().describe("That it had a result of in the last 26 hours"),
  lastResult: time.nullable(),
  lastSeen: z.iso.date(),
});

/** Times are milliseconds since 1970. */
export interface Agent extends z.input<typeof agent> {
  /** Whether it says something of now. */
  isHeard: boolean;
  /** What it has seen last of its sites. */
  states: Record<typeof STATES[number], number>;
}

/** All agents that have ever said something, those that were heard last first. */
export async function agentsOf(pool: Pool, current: CurrentSites): Promise<Agent[]> {
  const known = await rowsOf<Pick<Agent, "id" | "uuid" | "lastSeen">>(
    pool,
    "SELECT id, identity AS uuid, last_seen::text FROM agents",
  );
  const now = current.latest.agents();
  const found = known.map((one): Agent => {
    const { last, isHeard = false, seen = [] } = now.get(one.id) ?? {};
    const states = { up: 0, degraded: 0, down: 0, unknown: 0, maintenance: 0 };
    for (const { state } of seen) states[STATES[state]!]++;
    return {
      ...one,
      location: last?.location ?? null,
      labels: last?.labels ?? {},
      lastResult: last?.ts ?? null,
      isHeard,
      sites: seen.length,
      states,
    };
  });
  return found.sort((a, b) =>
    (b.lastResult ?? 0) - (a.lastResult ?? 0) || (a.lastSeen < b.lastSeen ? 1 : -1)
  );
}

import type { Pool } from "pg";
import { freshMs, type Seen, STATES } from "../now/judge.ts";
import type { Sites } from "../now/sites.ts";

/** An agent, as its results tell. Times are milliseconds since 1970. */
export interface Agent {
  id: number;
  uuid: string;
  location: string | null;
  labels: Readonly<Record<string, string>>;
  /** Null: of the last 26 hours there is none. */
  lastResult: number | null;
  /** Whether it says something of now. */
  isHeard: boolean;
  /** "2026-05-01": the last day of which there is one. */
  lastDay: string;
  /** Of which it has said something in the last 26 hours, and what. */
  sites: number;
  states: Record<typeof STATES[number], number>;
}

/** All agents that have ever said something, those that were heard last first. */
export async function agentsOf(pool: Pool, sites: Sites, now: number): Promise<Agent[]> {
  const { rows: agents } = await pool.query(
    `SELECT id, identity AS uuid, last_seen::text AS "lastDay" FROM agents`,
  );
  const all = [...sites.all()].flatMap(({ id }) => sites.seenOf(id));
  const byAgent = Map.groupBy(all, ({ agentId }) => agentId);
  const found = agents.map(({ id, uuid, lastDay }): Agent => {
    const seen = byAgent.get(id) ?? [];
    const last = seen.reduce<Seen | null>((a, b) => a !== null && a.ts >= b.ts ? a : b, null);
    const states = { up: 0, degraded: 0, down: 0, unknown: 0, maintenance: 0 };
    for (const { state } of seen) states[STATES[state]!]++;
    return {
      id,
      uuid,
      location: last?.location ?? null,
      labels: last?.labels ?? {},
      lastResult: last?.ts ?? null,
      isHeard: seen.some(({ ts, frequency }) => ts > now - freshMs(frequency)),
      lastDay,
      sites: seen.length,
      states,
    };
  });
  return found.sort((a, b) =>
    (b.lastResult ?? 0) - (a.lastResult ?? 0) || (a.lastDay < b.lastDay ? 1 : -1)
  );
}

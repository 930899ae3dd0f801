import type { Pool } from "pg";
import type { Sites } from "./sites.ts";

/** An agent, and what it did in the last 26 hours. */
export interface AgentNow {
  id: number;
  uuid: string;
  location: string | null;
  labels: Readonly<Record<string, string>>;
  /** Sites that it had a result of. */
  sites: number;
  /** Milliseconds since 1970; null: none. */
  lastResult: number | null;
  /** The day (UTC) of its last stored result. */
  lastSeen: string;
}

/** All agents that are known, those that were heard last first. */
export async function agentsNow(pool: Pool, sites: Sites): Promise<AgentNow[]> {
  const heard = new Map<number, { sites: number; lastResult: number; contextId: number | null }>();
  for (const { id } of sites.all()) {
    for (const { agentId, ts, contextId } of sites.seenOf(id)) {
      const known = heard.get(agentId) ?? { sites: 0, lastResult: 0, contextId: null };
      known.sites++;
      if (ts > known.lastResult) Object.assign(known, { lastResult: ts, contextId });
      heard.set(agentId, known);
    }
  }
  const contexts = [...heard.values()].map(({ contextId }) => contextId);
  const [{ rows }, { rows: places }] = await Promise.all([
    pool.query("SELECT id, identity, last_seen::text FROM agents"),
    pool.query("SELECT id, location, labels FROM contexts WHERE id = ANY ($1)", [contexts]),
  ]);
  const placeOf = new Map(places.map((place) => [place.id, place]));
  return rows.map(({ id, identity, last_seen }) => {
    const own = heard.get(id);
    const place = placeOf.get(own?.contextId);
    return {
      id,
      uuid: identity,
      location: place?.location ?? null,
      labels: place?.labels ?? {},
      sites: own?.sites ?? 0,
      lastResult: own?.lastResult ?? null,
      lastSeen: last_seen,
    };
  }).sort((a, b) => (b.lastResult ?? 0) - (a.lastResult ?? 0) || a.id - b.id);
}

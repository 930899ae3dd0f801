import type { Verdict } from "../../wire/message.ts";
import type { Observation } from "../../alerts/state/votes.ts";

const MINUTE_MS = 60_000;
const FRESH_MS = 2 * MINUTE_MS + 30_000;

/** What a simulation is made of. */
export interface GenerateOptions {
  sites: number;
  agents: number;
  minutes: number;
  /** From 0 to 1, in an order that a seed makes. */
  random(): number;
}

/** What happens to something, from one minute to another. */
export interface Trouble {
  what: "down" | "slow" | "dead" | "cut off" | "late" | "blind";
  /** Of a site, or of an agent. */
  of: number;
  from: number;
  until: number;
}

/**
 * Sites that go down and are slow, and agents that die, are cut off from the broker (what they saw comes
 * later), are late with all they say, or see nothing but failures: one check a minute each.
 *
 * @param start Milliseconds since 1970
 */
export function generate(
  { sites, agents, minutes, random }: GenerateOptions,
  start: number,
): { results: Observation[]; troubles: Trouble[] } {
  const below = (most: number) => Math.floor(random() * most);
  const trouble = (what: Trouble["what"], of: number): Trouble => {
    const from = 5 + below(Math.max(1, minutes - 30));
    return { what, of, from, until: from + 2 + below(14) };
  };
  const troubles = [
    ...Array.from(
      { length: sites },
      (_, site) => random() < 0.6 ? trouble(random() < 0.75 ? "down" : "slow", site) : [],
    ),
    ...Array.from(
      { length: agents },
      (_, agent) =>
        random() < 0.7
          ? trouble((["dead", "cut off", "late", "blind"] as const)[below(4)]!, agent)
          : [],
    ),
  ].flat();
  const has = (what: Trouble["what"], of: number, minute: number) =>
    troubles.find((one) =>
      one.what === what && one.of === of && one.from <= minute && minute < one.until
    );
  const results: Observation[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    for (let agent = 0; agent < agents; agent++) {
      if (has("dead", agent, minute)) continue;
      const kept = has("cut off", agent, minute);
      for (let site = 0; site < sites; site++) {
        const isDown = has("down", site, minute) || has("blind", agent, minute) || random() < 0.002;
        const verdict: Verdict = isDown ? "down" : has("slow", site, minute) ? "degraded" : "up";
        const seconds = 55 * ((site * 7 + agent * 3) % 60) / 60;
        const began = start + minute * MINUTE_MS + Math.floor(seconds * 1_000);
        const sent = kept ? Math.max(began, start + kept.until * MINUTE_MS) : began;
        const lateMs = has("late", agent, minute) ? 20_000 + below(70_000) : 50 + below(500);
        results.push({
          site: site + 1,
          agent: `agent-${agent + 1}`,
          ts: began * 1_000,
          at: sent + lateMs,
          verdict,
          slots: 1,
          intervalMs: MINUTE_MS,
          freshMs: FRESH_MS,
          location: `place-${agent + 1}`,
          cause: verdict === "up" ? "" : verdict === "down" ? "status: status 503" : "slow",
          seen: null,
        });
      }
    }
  }
  return { results: results.sort((one, other) => one.at - other.at), troubles };
}

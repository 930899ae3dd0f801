import type { AlertEvent } from "./view.ts";
import type { Observation } from "./votes.ts";

/** How exactly it is known when an agent was heard last: a partition tells it no more often. */
export const SIGN_MS = 10_000;

/** When signs of agents were given last, any and those that were well; JSON. */
export type Signs = Record<string, [seen: number, well: number]>;

/** The sign that a result gives of its agent, which is noted in `signs`; null where there is one already. */
export function signOf({ agent, at, ts, verdict }: Observation, signs: Signs): AlertEvent | null {
  const isWell = verdict === "up" || verdict === "degraded";
  const [seen, well] = signs[agent] ?? [0, 0];
  if (at - (isWell ? well : seen) < SIGN_MS) return null;
  signs[agent] = [at, isWell ? at : well];
  return { kind: isWell ? "well" : "seen", at, ts, site: 0, agent, detail: null };
}

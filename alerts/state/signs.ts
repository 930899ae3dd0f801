import type { Observation } from "./votes.ts";
import { type Sign, SIGN_MS } from "./view.ts";

/** When signs of agents were given last, any and those that were well; JSON. */
export type Signs = Record<string, [seen: number, well: number]>;

/** The sign that a result gives of its agent, which is noted in `signs`; null where there is one already. */
export function signOf(
  { agent, at, ts, verdict, maintenance }: Observation,
  signs: Signs,
): Sign | null {
  const isWell = !maintenance && (verdict === "up" || verdict === "degraded");
  const last = signs[agent] ?? [0, 0];
  if (at - (isWell ? last[1] : last[0]) < SIGN_MS) return null;
  signs[agent] = [at, isWell ? at : last[1]];
  return { kind: isWell ? "well" : "seen", at, ts, agent };
}

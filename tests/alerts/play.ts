/** Histories in letters, played through the state machine. */
import type { AlertRules } from "../../config/types.ts";
import { type Change, NEW_SITE, type Observation, observe } from "../../alerts/state.ts";
import type { Verdict } from "../../wire/message.ts";

export const MINUTE_MS = 60_000;
export const START_MS = Date.UTC(2026, 3, 29);
/** Two intervals of a minute, and a timeout of half a minute. */
export const FRESH_MS = 150_000;
export const RULES: AlertRules = { failureThreshold: 3, successThreshold: 2, downWhen: "majority" };

const VERDICTS: Record<string, Verdict> = {
  u: "up",
  d: "down",
  s: "degraded",
  "?": "unknown",
  m: "down",
};

/** What agent number `agent` sees at `minute`; the broker has it some milliseconds later. */
export function seen(letter: string, agent: number, minute: number): Observation {
  const startMs = START_MS + minute * MINUTE_MS + agent;
  return {
    agent: `agent-${agent}`,
    ts: startMs * 1_000,
    at: startMs + 20,
    verdict: VERDICTS[letter]!,
    maintenance: letter === "m",
    slots: 1,
    freshMs: FRESH_MS,
    location: `place-${agent}`,
    cause: letter,
    seen: null,
  };
}

/** A letter a minute for each agent: u(p), d(own), s(low), ?(unknown), m(aintenance), " " none. */
export function minutes(agents: readonly string[]): Observation[] {
  const last = Math.max(...agents.map((letters) => letters.length));
  return Array.from({ length: last }, (_, minute) => minute).flatMap((minute) =>
    agents.flatMap((letters, agent) => {
      const letter = letters[minute] ?? " ";
      return letter === " " ? [] : [seen(letter, agent, minute)];
    })
  );
}

/** @returns The level after each result, the changes, and the last state */
export function play(results: readonly Observation[], rules: AlertRules = RULES, from = NEW_SITE) {
  let state = from;
  const changes: Change[] = [];
  const levels = results.map((result) => {
    const after = observe(state, result, rules);
    state = after.state;
    changes.push(...after.changes);
    return { result, level: state.level };
  });
  return { levels, changes, state };
}

/** The site's level after each minute, a letter each; " " before it is known. */
export function levelsOf(agents: readonly string[], rules: AlertRules = RULES): string {
  const letters: string[] = [];
  for (const { result, level } of play(minutes(agents), rules).levels) {
    const minute = Math.floor((result.at - START_MS) / MINUTE_MS);
    letters[minute] = level === null ? " " : level === "degraded" ? "s" : level[0]!;
  }
  return Array.from(letters, (letter) => letter ?? ".").join("");
}

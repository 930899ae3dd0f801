/** Histories in letters, played through the state machine. */
import type { Spell } from "../../alerts/state/agent.ts";
import type { SitePolicy } from "../../alerts/state/book.ts";
import type { Observation } from "../../alerts/state/votes.ts";
import type { AlertRules } from "../../config/types.ts";
import { changeToldOf } from "../../scripts/simulate/picture.ts";
import { World } from "../../scripts/simulate/world.ts";

export const MINUTE_MS = 60_000;
export const START_MS = Date.UTC(2026, 3, 29);
/** Two intervals of a minute, and a timeout of half a minute. */
export const FRESH_MS = 150_000;
export const RULES: AlertRules = { failureThreshold: 3, successThreshold: 2, downWhen: "majority" };
export const SITE = 1;

const VERDICTS: Record<string, Observation["verdict"]> = {
  u: "up",
  d: "down",
  s: "degraded",
  "?": "unknown",
  m: "maintenance",
};

/** What agent number `agent` sees at `minute`; the broker has it some milliseconds later. */
export function seen(letter: string, agent: number, minute: number): Observation {
  const startMs = START_MS + minute * MINUTE_MS + agent;
  return {
    site: SITE,
    agent: `agent-${agent}`,
    ts: startMs * 1_000,
    at: startMs + 20,
    verdict: VERDICTS[letter]!,
    slots: 1,
    intervalMs: MINUTE_MS,
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

/** A world of one partition. */
export function worldOf(
  rules: AlertRules = RULES,
  policyOf: (site: number) => Partial<SitePolicy> = () => ({}),
  spells: readonly Spell[] = [],
  partitions = 1,
): World {
  return new World({
    partitions,
    spells,
    policyOf: (site) => ({
      ...rules,
      isGateway: !!policyOf(site).children?.length,
      isExpected: true,
      host: `host-${site}`,
      parents: [],
      children: [],
      slo: null,
      ...policyOf(site),
    }),
  });
}

/** Reads results of one site, and decides at each. @returns The level after each */
export function play(results: readonly Observation[], world = worldOf()) {
  return results.map((result) => {
    world.read(result);
    world.idle(0, result.at + 1);
    world.round();
    return { result, level: world.level(SITE) };
  });
}

/** The site's level after each minute, a letter each; " " before it is known, "-" unobserved. */
export function levelsOf(agents: readonly string[], rules: AlertRules = RULES): string {
  const letters: string[] = [];
  const letterOf: Record<string, string> = { up: "u", down: "d", degraded: "s", unobserved: "-" };
  for (const { result, level } of play(minutes(agents), worldOf(rules))) {
    const minute = Math.floor((result.at - START_MS) / MINUTE_MS);
    letters[minute] = level === null ? " " : letterOf[level]!;
  }
  return Array.from(letters, (letter) => letter ?? ".").join("");
}

/** Letters by site, of one agent after the other. */
export type Story = readonly Readonly<Record<number, string>>[];

/** A story's results, in the order of their time; sites are a second apart, or two thirds of a minute over them all. */
export function resultsOf(story: Story): Observation[] {
  return story.flatMap((sites, agent) => {
    const numbers = Object.keys(sites).map(Number);
    const apartMs = Math.min(1_000, 40_000 / numbers.length);
    return numbers.flatMap((site, place) =>
      [...sites[site]!].flatMap((letter, minute) => {
        if (letter === " ") return [];
        const result = seen(letter, agent, minute);
        const after = Math.floor(place * apartMs);
        return [{ ...result, site, ts: result.ts + after * 1_000, at: result.at + after }];
      })
    );
  }).sort((one, other) => one.at - other.at);
}

/** What happened, a line each: "+minute:second what of whom". */
export function toldOf({ changes }: World): string[] {
  return changes.map((change) => {
    const { time, how, who } = changeToldOf(change, START_MS);
    return `${time} ${how} ${who}`;
  });
}

/** Reads a story in a world, with time going on for `afterMs` behind it. */
export function tell(story: Story, { world = worldOf(), afterMs = 0 } = {}): string[] {
  const results = resultsOf(story);
  for (const result of results) {
    world.read(result);
    world.round();
  }
  world.idle(0, results.at(-1)!.at + 1 + afterMs);
  world.round();
  return toldOf(world);
}

import { z } from "zod";
import { closest, distance } from "fastest-levenshtein";
import { number, optional, text, whole } from "../fields.ts";
import type { Findings } from "../say/findings.ts";
import { quote } from "../say/show.ts";
import { isGiven, isMap, mapAt } from "../source/raw.ts";
import type { SiteAlerting } from "../types.ts";

const DOWN_WHEN = "any, majority, all or a number of agents";
const DEPENDS_ON = "a list of sites, by their keys in websites";

/** Letters by which a name may differ from one that is meant. */
const NEAR = 3;

/** `down_when` of the YAML. */
export const downWhen = z.union([
  z.literal(["any", "majority", "all"], { error: DOWN_WHEN }),
  z.int({ error: DOWN_WHEN }).min(1, { error: DOWN_WHEN }).max(10_000, { error: DOWN_WHEN }),
], { error: DOWN_WHEN });

/** How many results in a row. */
export const threshold = whole(1, 100, "results in a row");

/** What a site may say of its incidents, beside `channels`. */
export const alertingKeys = {
  failure_threshold: optional(threshold),
  success_threshold: optional(threshold),
  down_when: optional(downWhen),
  depends_on: optional(z.array(text(DEPENDS_ON), { error: DEPENDS_ON })),
  slo: optional(number(50, 99.999, "percent of the due times in 30 days")),
};

type Yaml = { [Key in keyof typeof alertingKeys]: z.output<typeof alertingKeys[Key]> };

export function toAlerting(yaml: Yaml): SiteAlerting {
  const { failure_threshold, success_threshold, down_when, depends_on, slo } = yaml;
  return {
    rules: {
      ...failure_threshold !== null && { failureThreshold: failure_threshold },
      ...success_threshold !== null && { successThreshold: success_threshold },
      ...down_when !== null && { downWhen: down_when },
    },
    dependsOn: depends_on ?? [],
    slo,
  };
}

/**
 * Checks that each site that others depend on is there, and that none depends on itself in the end.
 *
 * @param root The whole YAML
 */
export function checkDependsOn(root: Readonly<Record<string, unknown>>, findings: Findings): void {
  const sites = mapAt(root, "websites");
  const known = Object.keys(sites);
  const layers = ["websites", "templates"].flatMap((name) =>
    Object.entries(mapAt(root, name)).map(([key, settings]) => ({ path: [name, key], settings }))
  );
  for (const { path, settings } of [...layers, { path: ["defaults"], settings: root.defaults }]) {
    for (const name of namesIn(settings)) {
      if (known.includes(name)) continue;
      const near = closest(name, known);
      const hint = near && distance(name, near) <= NEAR ? `, did you mean ${quote(near)}?` : "";
      findings.add(
        [...path, "depends_on"],
        `expected keys of websites, found ${quote(name)}${hint}`,
      );
    }
  }
  const circled = new Set<string>();
  for (const key of known) {
    const circle = circleOf(key, root);
    if (circle === null || circled.has(key)) continue;
    for (const name of circle) circled.add(name);
    findings.add(
      ["websites", key, "depends_on"],
      `expected no circle, found ${[...circle, key].map(quote).join(" that depends on ")}`,
    );
  }
}

/** The names in the `depends_on` of settings, as far as they are texts. */
function namesIn(settings: unknown): string[] {
  const names = isMap(settings) ? settings.depends_on : null;
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}

/** Those that a site depends on; what several have from one place, that one among them has not. */
function parentsOf(key: string, root: Readonly<Record<string, unknown>>): string[] {
  const site = mapAt(mapAt(root, "websites"), key);
  if (isGiven(site.depends_on)) return namesIn(site);
  const used = [site.use].flat().filter((name) => typeof name === "string").reverse();
  const layers = [
    ...used.map((name) => mapAt(mapAt(root, "templates"), name)),
    mapAt(root, "defaults"),
  ];
  const first = layers.find(({ depends_on }) => isGiven(depends_on));
  return namesIn(first).filter((name) => name !== key);
}

/** The shortest way from a site back to itself; null: there is none. */
function circleOf(key: string, root: Readonly<Record<string, unknown>>): string[] | null {
  const ways = [[key]];
  const met = new Set<string>();
  for (const way of ways) {
    for (const parent of parentsOf(way.at(-1)!, root)) {
      if (parent === key) return way;
      if (met.has(parent)) continue;
      met.add(parent);
      ways.push([...way, parent]);
    }
  }
  return null;
}

import { closest, distance } from "fastest-levenshtein";
import { oneOf } from "../../config/fields.ts";
import type { Findings, Path } from "../../config/say/findings.ts";
import { quote } from "../../config/say/show.ts";
import { isGiven, isMap, mapAt } from "../../config/source/raw.ts";

type Root = Readonly<Record<string, unknown>>;

/** Letters by which a name may differ from one that is meant. */
const NEAR = 3;

/** Checks that each channel that sites and routes name is there. */
export function checkChannels(root: Root, findings: Findings): void {
  const { channels, routes } = mapAt(root, "alerts");
  const known = isMap(channels) ? Object.keys(channels) : [];
  const choice = known.length > 0 ? `: ${oneOf(known.map(quote))}` : ", of which there are none";
  const ofRoutes = (Array.isArray(routes) ? routes : []).map((settings, n) => {
    return { path: ["alerts", "routes", n], settings };
  });
  for (const { path, settings } of [...ofRoutes, ...layersOf(root)]) {
    for (const name of namesIn(settings, "channels").filter((name) => !known.includes(name))) {
      findings.add(
        [...path, "channels"],
        `expected channels of "alerts"${choice}, found ${quote(name)}`,
      );
    }
  }
}

/** Checks that each site that others depend on is there, and that none depends on itself in the end. */
export function checkDependsOn(root: Root, findings: Findings): void {
  const known = Object.keys(mapAt(root, "websites"));
  for (const { path, settings } of layersOf(root)) {
    for (const name of namesIn(settings, "depends_on").filter((name) => !known.includes(name))) {
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

/** All that has settings of sites. */
function layersOf(root: Root): { path: Path; settings: unknown }[] {
  const entries = ["websites", "templates"].flatMap((section) =>
    Object.entries(mapAt(root, section)).map(([key, settings]) => {
      return { path: [section, key], settings };
    })
  );
  return [...entries, { path: ["defaults"], settings: root.defaults }];
}

/** The names that settings have in a list at `key`, as far as they are texts. */
function namesIn(settings: unknown, key: "channels" | "depends_on"): string[] {
  const names = isMap(settings) ? settings[key] : null;
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}

/** Those that a site depends on; what several have from one place, that one among them has not. */
function parentsOf(key: string, root: Root): string[] {
  const site = mapAt(mapAt(root, "websites"), key);
  if (isGiven(site.depends_on)) return namesIn(site, "depends_on");
  const used = [site.use].flat().filter((name) => typeof name === "string").reverse();
  const layers = [
    ...used.map((name) => mapAt(mapAt(root, "templates"), name)),
    mapAt(root, "defaults"),
  ];
  const first = layers.find(({ depends_on }) => isGiven(depends_on));
  return namesIn(first, "depends_on").filter((name) => name !== key);
}

/** The shortest way from a site back to itself; null: there is none. */
function circleOf(key: string, root: Root): string[] | null {
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

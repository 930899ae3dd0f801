import type { Path, Problem } from "../say/problem.ts";

/** The problems in the order in which a person meets them in the file whose content is `raw`. */
export function inFileOrder(problems: readonly Problem[], raw: unknown): Problem[] {
  const indexes = new Map<object, Map<string, number>>();
  const ordered = problems.map((problem) => ({
    problem,
    place: placeIn(raw, problem.path, indexes),
  }));
  ordered.sort((a, b) => compare(a.place, b.place));
  return ordered.map(({ problem }) => problem);
}

/** The number of each key among its siblings; one that is not there comes after them. */
function placeIn(
  raw: unknown,
  path: Path,
  indexes: Map<object, Map<string, number>>,
): number[] {
  const place: number[] = [];
  let value = raw;
  for (const part of path) {
    if (typeof value !== "object" || value === null) break;
    let siblings = indexes.get(value);
    if (!siblings) {
      siblings = new Map(Object.keys(value).map((key, i) => [key, i]));
      indexes.set(value, siblings);
    }
    const index = siblings.get(String(part)) ?? siblings.get(`${part}_file`);
    if (index === undefined) return [...place, Infinity];
    place.push(index);
    value = (value as Record<string, unknown>)[part];
  }
  return place;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

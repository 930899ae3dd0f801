import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { isGiven } from "../source/raw.ts";
import { HIDDEN, isSecretAt } from "./redact.ts";
import { quote, show } from "./show.ts";

/** Collects what is wrong, and keeps secrets out of it. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly #isOutside: (path: Path) => boolean;
  readonly #paths = new Set<string>();
  readonly #texts = new Set<string>();

  /** @param isOutside Whether the value at a path came from the environment or a file. */
  constructor(isOutside: (path: Path) => boolean) {
    this.#isOutside = isOutside;
  }

  /** Notes `text`, which the caller keeps free of secrets. The same again is noted once. */
  add(path: Path, text: string): void {
    const key = JSON.stringify([path, text]);
    if (this.#texts.has(key)) return;
    this.#texts.add(key);
    this.settle(path);
    this.problems.push({ path, text });
  }

  /**
   * Notes "expected `what`, found `found`"; `found` shows as "(hidden)" where it is a secret. Where
   * `path` has a problem already, this one would only follow from it and is left out.
   *
   * @param which Said of what was found, after a comma: "which does not exist"
   */
  expected(path: Path, what: string, found: unknown, which?: string): void {
    if (this.isSettled(path)) return;
    const hidden = isGiven(found) && (this.#isOutside(path) || isSecretAt(path, found));
    const shown = hidden ? HIDDEN : show(found);
    this.add(path, `expected ${what}, found ${shown}${which ? `, ${which}` : ""}`);
  }

  /** Keeps later expected() calls from saying more about `path`. */
  settle(path: Path): void {
    this.#paths.add(JSON.stringify(path));
  }

  /** Whether what is wrong with `path` has been said. */
  isSettled(path: Path): boolean {
    return this.#paths.has(JSON.stringify(path));
  }
}

/** Where in the config: keys, and numbers for places in a list. Empty: the file as a whole. */
export type Path = readonly (string | number)[];

/** One thing that is wrong. */
export interface Problem {
  path: Path;
  /** What was expected and what was found; no secret in it. */
  text: string;
  /** The included file that it is in; absent: the config's own. */
  file?: string;
}

/** The config cannot be used. Its message is for a person, a line for each problem. */
export class ConfigError extends UsageError {
  readonly problems: readonly Problem[];

  /** @param file The config file as the person named it. */
  constructor(file: string, problems: readonly Problem[], options?: ErrorOptions) {
    super(formatProblems(file, problems), options);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** A path as a person reads it: `websites["https://example.com/"].valid_status_codes[1]`. */
export function formatPath(path: Path): string {
  return path.map((part, i) => {
    if (typeof part === "number") return `[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${quote(part)}]`;
    return i === 0 ? part : `.${part}`;
  }).join("");
}

function formatProblems(file: string, problems: readonly Problem[]): string {
  const name = `Config ${JSON.stringify(file)}`;
  const [first] = problems;
  if (problems.length === 1 && first!.path.length === 0 && !first!.file) {
    return `${name} ${first!.text}`;
  }
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map(({ path, text, file }) => {
    const place = [...(file ? [quote(file)] : []), ...(path.length > 0 ? [formatPath(path)] : [])];
    return `  ${place.length > 0 ? `${place.join(" ")}: ` : ""}${text}`;
  });
  return [`${name} has ${count}:`, ...lines].join("\n");
}

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

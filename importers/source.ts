import { parse } from "@std/yaml";
import { isMap } from "../config/source/raw.ts";
import { formatPath, type Path } from "../config/say/findings.ts";
import { UsageError } from "../runtime/cli/exit_codes.ts";

/** What an importer makes: a config, and what of the source is not in it. */
export interface Imported {
  config: {
    websites?: Record<string, Settings>;
    templates?: Record<string, Settings>;
  };
  /** "modules.tcp: only http is checked", for a person. */
  lost: string[];
}

/** A site or a template as the YAML of a config has it. */
export type Settings = Record<string, unknown>;

/**
 * A map of another program's config, of which each key is either taken or lost: what nobody asked for
 * is lost in the end.
 */
export class Source {
  readonly #map: Readonly<Record<string, unknown>>;
  readonly #path: Path;
  readonly #lost: string[];
  readonly #taken = new Set<string>();

  constructor(map: unknown, path: Path, lost: string[]) {
    this.#map = isMap(map) ? map : {};
    this.#path = path;
    this.#lost = lost;
    if (!isMap(map) && !isNothing(map)) this.loseAll("it is no map");
  }

  /** The value at `key`, which counts as carried over; undefined where it says nothing. */
  take(key: string): unknown {
    this.#taken.add(key);
    const value = this.#map[key];
    return isNothing(value) ? undefined : value;
  }

  /** Whether exactly `value` is at `key`; without it, whether anything is. */
  has(key: string, value?: unknown): boolean {
    return value === undefined ? !isNothing(this.#map[key]) : this.#map[key] === value;
  }

  /** As take(), as a text. */
  text(key: string): string | undefined {
    const value = this.take(key);
    return value === undefined ? undefined : String(value);
  }

  /** As take(), of a list. */
  list(key: string): unknown[] {
    const value = this.take(key);
    return value === undefined ? [] : [value].flat();
  }

  /** The map at `key`; its own keys are taken or lost one by one. */
  map(key: string): Source {
    return new Source(this.take(key), [...this.#path, key], this.#lost);
  }

  /** The texts of the map at `key`, by name. */
  entriesOfTexts(key: string): [name: string, text: string][] {
    const value = this.take(key);
    return Object.entries(isMap(value) ? value : {}).map(([name, text]) => [name, String(text)]);
  }

  /** The maps of the list at `key`. */
  maps(key: string): Source[] {
    return this.list(key).map((item, i) => new Source(item, [...this.#path, key, i], this.#lost));
  }

  /** The maps of the map at `key`, by name. */
  entries(key: string): [name: string, Source][] {
    const value = this.take(key);
    return Object.entries(isMap(value) ? value : {}).map(([name, item]) => [
      name,
      new Source(item, [...this.#path, key, name], this.#lost),
    ]);
  }

  /** Notes that `key`, or what is at a place in its list, is not carried over. */
  lose(key: string, why: string, place?: number): void {
    this.#taken.add(key);
    const path = [...this.#path, key, ...(place === undefined ? [] : [place])];
    this.#lost.push(`${formatPath(path)}: ${why}`);
  }

  /** Notes that nothing of it is carried over. */
  loseAll(why: string): void {
    for (const key of Object.keys(this.#map)) this.#taken.add(key);
    this.#lost.push(`${formatPath(this.#path)}: ${why}`);
  }

  /** Takes keys that say nothing of how a site is checked. */
  ignore(...keys: string[]): void {
    for (const key of keys) this.#taken.add(key);
  }

  /** Notes each key that nobody took and that says something. */
  loseRest(): void {
    for (const [key, value] of Object.entries(this.#map)) {
      if (!this.#taken.has(key) && !isNothing(value)) this.lose(key, "nothing here stands for it");
    }
  }
}

/**
 * Several files are as one that has what each has: lists are joined, and maps.
 *
 * @throws {UsageError} Where a text is no YAML (or JSON) with a map at its top
 */
export function parseSources(texts: readonly string[], lost: string[]): Source {
  const all: Record<string, unknown> = {};
  for (const text of texts) {
    let map: unknown;
    try {
      map = parse(text);
    } catch (error) {
      throw new UsageError(`The file is not YAML: ${String(error).split("\n")[0]}`);
    }
    if (!isMap(map)) throw new UsageError("The file has no map of keys at its top");
    for (const [key, value] of Object.entries(map)) {
      const before = all[key];
      all[key] = Array.isArray(before) && Array.isArray(value)
        ? [...before, ...value]
        : isMap(before) && isMap(value)
        ? { ...before, ...value }
        : value;
    }
  }
  return new Source(all, [], lost);
}

/** What says nothing, as another program writes out its defaults. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === "" || value === false ||
    (Array.isArray(value) && value.length === 0) ||
    (isMap(value) && Object.keys(value).length === 0);
}

/** `settings` without what is undefined, or a map without keys. */
export function said(settings: Settings): Settings {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) =>
      value !== undefined && !(isMap(value) && Object.keys(value).length === 0) &&
      !(Array.isArray(value) && value.length === 0)
    ),
  );
}

/** Seconds of "5s", "1m30s", "250ms" (Go's durations) or a number of seconds; null for others. */
export function seconds(duration: unknown): number | null {
  if (typeof duration === "number") return duration;
  const UNITS: Record<string, number> = {
    ns: 1e-9,
    us: 1e-6,
    µs: 1e-6,
    ms: 1e-3,
    s: 1,
    m: 60,
    h: 3600,
    d: 86_400,
  };
  const parts = [...String(duration).matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== duration) return null;
  const sum = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0);
  return Number(sum.toPrecision(12));
}

/** A regex that matches `text` as it is. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** A regex whose "^" and "$" are the ends of the text, as where it comes from; ours are at line ends. */
export function wholeText(regex: unknown): string {
  return /[$^]/.test(String(regex)) ? `(?-m)${regex}` : String(regex);
}

/** A label's name of any text. */
export function labelName(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_").slice(0, 63);
}

import type { z } from "zod";
import type { Findings, Path } from "../say/findings.ts";
import { interpolate, type Outside } from "./outside.ts";
import { isGiven, isMap } from "./raw.ts";
import { readText, type TextReader } from "./read_text.ts";
import { childOf, isMapSchema, keysOf } from "../say/schema_tree.ts";

type Schema = z.core.$ZodType;
type YamlMap = Record<string, unknown>;

/** What resolving needs to know. */
export interface ResolveOptions {
  schema: Schema;
  /** The environment. */
  env: Readonly<Record<string, string | undefined>>;
  reader: TextReader;
  /** Filled with where the environment and files were used. */
  outside: Outside;
  findings: Findings;
  /** Whether the mode reads a section. One that it does not is left out if it cannot be resolved. */
  usesSection: (name: string) => boolean;
}

/**
 * A copy of the YAML's root in which each `${NAME}` is replaced from the environment, and each
 * `<key>_file` by `<key>` with that file's text, one line end at its end left out.
 */
export function resolveValues(root: YamlMap, options: ResolveOptions): YamlMap {
  const resolver = new Resolver(options);
  const sections = keysOf(options.schema);
  const result: YamlMap = {};
  for (const key of Object.keys(root)) {
    const entry = resolver.entry(root, key, options.schema, []);
    const lookups = resolver.takeFailedLookups();
    const isUnused = sections?.includes(key) && !options.usesSection(key);
    if (isUnused && lookups.length > 0) continue;
    for (const note of lookups) note();
    if (entry) result[entry.key] = entry.value;
  }
  return result;
}

class Resolver {
  readonly #options: ResolveOptions;
  /** What the environment or the disk has not; noted only where the mode reads the section. */
  #failedLookups: (() => void)[] = [];
  /** The maps and lists around the present value: an alias may lead back to one of them. */
  readonly #around = new Set<unknown>();

  constructor(options: ResolveOptions) {
    this.#options = options;
  }

  takeFailedLookups(): (() => void)[] {
    return this.#failedLookups.splice(0);
  }

  /** The key and value that `key` of `map` stands for; null where there is nothing to go on with. */
  entry(map: YamlMap, key: string, schema: Schema | null, path: Path): {
    key: string;
    value: unknown;
  } | null {
    const value = map[key];
    if (key === "__proto__") {
      this.#options.findings.add(
        [...path, key],
        "expected another key, this name has a meaning of its own",
      );
      return null;
    }
    const base = fileKeyBase(key, schema);
    if (base === null) {
      return { key, value: this.#value(value, childOf(schema, key), [...path, key]) };
    }
    if (!isGiven(value)) return null;
    if (isGiven(map[base])) {
      this.#options.findings.add([...path, key], `expected only one of "${base}" and "${key}"`);
      return null;
    }
    const content = this.#file(value, [...path, key]);
    const name = `\${${value}}`;
    this.#options.outside.add([...path, base], name, [{ value: content ?? "", name }]);
    if (content === null) {
      this.#options.findings.settle([...path, base]);
      return null;
    }
    return { key: base, value: content };
  }

  #value(value: unknown, schema: Schema | null, path: Path): unknown {
    if (typeof value === "string") return this.#text(value, path);
    if (!Array.isArray(value) && !isMap(value)) return value;
    if (this.#around.has(value)) {
      this.#options.findings.add(path, "expected a value, found an alias of what it stands in");
      return null;
    }
    this.#around.add(value);
    const copy = Array.isArray(value)
      ? value.map((item, i) => this.#value(item, childOf(schema, i), [...path, i]))
      : this.#map(value, schema, path);
    this.#around.delete(value);
    return copy;
  }

  #map(map: YamlMap, schema: Schema | null, path: Path): YamlMap {
    const copy: YamlMap = {};
    for (const key of Object.keys(map)) {
      const entry = this.entry(map, key, schema, path);
      if (entry) copy[entry.key] = entry.value;
    }
    return copy;
  }

  #text(source: string, path: Path): string {
    const { findings, outside } = this.#options;
    const { text, secrets, missing, isBroken } = interpolate(source, this.#options.env);
    if (secrets.length > 0) outside.add(path, source, secrets);
    if (isBroken) {
      findings.add(path, 'expected "${NAME}" (a variable of the environment), or "$${" for "${"');
    }
    for (const name of missing) {
      this.#failedLookups.push(() =>
        findings.add(path, `expected the variable "${name}" in the environment, found none`)
      );
    }
    return text;
  }

  /** The text of the file that a `<key>_file` names. */
  #file(name: unknown, path: Path): string | null {
    const { findings, reader } = this.#options;
    const what = "a path of a file with the value";
    if (typeof name !== "string" || name === "") {
      findings.expected(path, what, name);
      return null;
    }
    const before = this.#failedLookups.length;
    const resolved = this.#text(name, path);
    this.#options.outside.noText(path);
    if (this.#failedLookups.length > before) return null;
    const file = readText(reader, resolved);
    if (file.ok) return file.text.replace(/\r?\n$/, "");
    this.#failedLookups.push(() =>
      findings.expected(path, what, resolved, `which ${file.problem}`)
    );
    return null;
  }
}

/** The key that `key` gives from a file; null where it is a key of its own, or an unknown one. */
function fileKeyBase(key: string, schema: Schema | null): string | null {
  const base = /^(.+)_file$/.exec(key)?.[1];
  const known = keysOf(schema);
  if (base === undefined || !known?.includes(base) || known.includes(key)) return null;
  return isMapSchema(childOf(schema, base)) ? null : base;
}

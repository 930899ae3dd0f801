import { type Dirent, readdirSync } from "node:fs";
import { dirname, join, parse, relative, resolve } from "node:path";
import { interpolate } from "./outside.ts";
import { ConfigError, type Path, type Problem } from "../say/findings.ts";
import { isGiven, isMap } from "./raw.ts";
import { readText, type TextReader } from "./read_text.ts";
import { quote, show } from "../say/show.ts";
import { parseYaml } from "./yaml.ts";

type YamlMap = Record<string, unknown>;

/** The sections that an included file may have. */
const INCLUDED = ["websites", "templates"];

/** What the config's file says, with the sites and templates of the files that it includes. */
export interface Sources {
  root: YamlMap;
  /** Absolute, with "*" and "?" in them: where included files are looked for. */
  patterns: string[];
  /** The included file that has the entry which `path` leads into; undefined: the config's own. */
  fileOf: (path: Path) => string | undefined;
  /** What is wrong with included files as such. */
  problems: Problem[];
}

/**
 * Reads the config's file and those that its `include` names, relative to its folder.
 *
 * @param file As the person named it
 * @param isOptional Whether a file that does not exist is as one that says nothing
 * @throws {ConfigError} Where there is no map of keys in the config's file
 */
export function readSources(
  file: string,
  path: string,
  reader: Pick<TextReader, "readFile">,
  env: Readonly<Record<string, string | undefined>>,
  { isOptional, withIncluded }: { isOptional: boolean; withIncluded: boolean },
): Sources {
  const folder = dirname(path);
  const main = readMap(path, { ...reader, folder });
  const isAbsent = "code" in main && main.code === "ENOENT";
  if ("problem" in main && !(isAbsent && isOptional)) {
    const next = isAbsent ? "name another with -c, or start" : main.code === "EMPTY" ? "start" : "";
    const hint = next && `; ${next} from config/config.sample.yaml`;
    throw new ConfigError(file, [{ path: [], text: main.problem + hint }]);
  }
  const root = "map" in main ? main.map : {};
  const files = new Map<string, string>();
  const sources: Sources = {
    root: { ...root },
    patterns: [],
    fileOf: ([section, key]) => files.get(JSON.stringify([section, key])),
    problems: [],
  };
  if (!withIncluded || !Array.isArray(root.include)) return sources;
  sources.patterns = root.include.filter((pattern) => typeof pattern === "string" && pattern !== "")
    .map((pattern) => resolve(folder, interpolate(pattern, env).text));
  for (const included of expandPatterns(sources.patterns)) {
    if (included === path) continue;
    const name = relative(folder, included);
    const add = (path: Path, text: string) => sources.problems.push({ path, text, file: name });
    const content = readMap(included, { ...reader, folder });
    if ("problem" in content) {
      if (content.code !== "EMPTY") add([], content.problem);
      continue;
    }
    for (const [section, entries] of Object.entries(content.map)) {
      if (!INCLUDED.includes(section)) {
        add([section], 'expected only "websites" and "templates" in a file that is included');
      } else if (isMap(entries)) {
        const known = sources.root[section] ?? {};
        if (!isMap(known)) continue;
        const added = Object.entries(entries).filter(([key]) => {
          const place = JSON.stringify([section, key]);
          if (Object.hasOwn(known, key)) {
            const other = files.get(place) ?? file;
            add([section, key], `expected another key, as ${quote(other)} has this one`);
            return false;
          }
          files.set(place, name);
          return true;
        });
        // As own keys, whatever their names: "__proto__" is refused later.
        sources.root[section] = Object.fromEntries([...Object.entries(known), ...added]);
      } else if (isGiven(entries)) add([section], `expected a map, found ${show(entries)}`);
    }
  }
  return sources;
}

type MapFile = { map: YamlMap } | { code: string; problem: string };

/** The map at the top of a file. */
function readMap(path: string, reader: TextReader): MapFile {
  const content = readText(reader, path);
  if (!content.ok) return content;
  const yaml = parseYaml(content.text);
  if (!yaml.ok) return { code: "YAML", problem: yaml.problem };
  if (!isGiven(yaml.value)) return { code: "EMPTY", problem: "is empty" };
  if (isMap(yaml.value)) return { map: yaml.value };
  return { code: "MAP", problem: `has ${show(yaml.value)} at its top, expected a map of keys` };
}

/**
 * The files that absolute patterns name, each once, in the order of their names; one without "*" and
 * "?" names a file whether it is there or not. A name that starts with a dot is only found by one.
 */
export function expandPatterns(patterns: readonly string[]): string[] {
  return [
    ...new Set(patterns.flatMap((pattern) => {
      const { root } = parse(pattern);
      const parts = pattern.slice(root.length).split(/[\\/]/).filter((part) => part !== "");
      return expand(root, parts);
    })),
  ];
}

function expand(folder: string, [part, ...rest]: string[]): string[] {
  if (part === undefined) return [folder];
  if (!/[*?]/.test(part)) return expand(join(folder, part), rest);
  const wildcards = part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  const name = new RegExp(`^${part.startsWith(".") ? "" : "(?!\\.)"}${wildcards}$`, "s");
  return entriesOf(folder)
    .filter((entry) => name.test(entry.name) && (rest.length > 0 || !entry.isDirectory()))
    .map((entry) => entry.name).sort()
    .flatMap((found) => expand(join(folder, found), rest));
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

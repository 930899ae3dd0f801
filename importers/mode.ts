import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { stringify } from "@std/yaml";
import { loadConfig } from "../config/load.ts";
import { ConfigError, formatPath } from "../config/say/findings.ts";
import type { RunOptions } from "../runtime/cli/options.ts";
import { EXIT, type ExitCode, UsageError } from "../runtime/cli/exit_codes.ts";
import { importBlackbox } from "./blackbox.ts";
import { importGatus } from "./gatus.ts";
import { importKuma } from "./kuma.ts";
import { type Imported, parseSources } from "./source.ts";
import { importUrls } from "./urls.ts";

/** What can be imported: how, and whether its values may hold ${NAME} as ours do. */
const KINDS: Readonly<
  Record<
    string,
    { run: (texts: string[], lost: string[]) => Imported["config"]; hasVariables: boolean }
  >
> = {
  blackbox: { run: (...from) => importBlackbox(parseSources(...from)), hasVariables: false },
  gatus: { run: (...from) => importGatus(parseSources(...from)), hasVariables: true },
  kuma: { run: (...from) => importKuma(parseSources(...from)), hasVariables: false },
  urls: { run: (texts, lost) => importUrls(texts.join("\n"), lost), hasVariables: false },
};

/**
 * Mode "import": prints a config that checks what another monitor's does. What could not be carried
 * over is listed at its top, and on standard error.
 *
 * @param cwd Where the person stood
 * @throws {UsageError} Where a file cannot be read
 */
export function importMode({ args: [kind, ...files] }: RunOptions, cwd: string): ExitCode {
  const texts = files.map((file) => {
    try {
      return readFileSync(resolve(cwd, file), "utf8");
    } catch (error) {
      throw new UsageError(`"${file}" cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  });
  const { yaml, lost } = importText(kind!, ...texts);
  console.log(yaml.trimEnd());
  for (const line of lost) console.error(`httpmon: Not carried over: ${line}`);
  return EXIT.done;
}

/**
 * The config that checks what `texts`, the files of another monitor's config, do; and what is not in
 * it.
 *
 * @throws {UsageError} For a kind that is unknown, and a text that is not of it
 */
export function importText(
  kind: string,
  ...texts: string[]
): { yaml: string; lost: string[] } {
  const importer = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!importer) {
    const kinds = Object.keys(KINDS).join(", ");
    throw new UsageError(`"${kind}" cannot be imported; it is one of ${kinds}`);
  }
  const lost: string[] = [];
  const { websites = {}, templates = {} } = importer.run(texts, lost);
  const config = {
    ...(Object.keys(templates).length > 0 && { templates }),
    websites,
  };
  const written = importer.hasVariables ? config : escaped(config);
  const yaml = stringify(written);
  lost.push(...refusedIn(yaml));
  const notes = lost.length === 0
    ? ["Everything was carried over."]
    : ["Not carried over:", ...lost];
  // A line break in what is quoted would end the comment.
  const comments = [`Made by "httpmon import ${kind}".`, ...notes]
    .map((line) => `# ${line.replace(/\s+/g, " ")}\n`).join("");
  return { yaml: `${comments}\n${yaml}`, lost };
}

/** What our own config would refuse of it; files and variables may be elsewhere. */
function refusedIn(yaml: string): string[] {
  const file = resolve("config.yaml");
  const config = `${yaml}\ndatabase: {dsn: host=none}\n`;
  try {
    loadConfig(file, {
      mode: "dbdump",
      readFile: (path) => new TextEncoder().encode(path === file ? config : "elsewhere"),
    });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, text }) => `${formatPath(path)} has to be mended: ${text}`);
  }
}

/** `value` with each "${" in its texts as the two characters that they are. */
function escaped<T>(value: T): T {
  if (typeof value === "string") return value.replaceAll("${", () => "$${") as T;
  if (Array.isArray(value)) return value.map(escaped) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, escaped(inner)]),
  ) as T;
}

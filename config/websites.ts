import { z } from "zod";
import type { Findings } from "./findings.ts";
import { isGiven, isMap, mapAt } from "./raw.ts";
import type { Path } from "./problem.ts";
import { quote } from "./show.ts";
import type { TextReader } from "./read_text.ts";
import { type Layer, siteSchema, toSite } from "./site.ts";
import { checkSite } from "./site_checks.ts";
import { NO_FILES, SiteFileReader, type SiteFiles } from "./site_files.ts";
import type { Site } from "./types.ts";
import { checkUrl, isWebUrl, normaliseUrl } from "./urls.ts";

const MAX_NAME = 255;
const NAME = `a name of at most ${MAX_NAME} characters, without control characters ` +
  "and without spaces around it";
const WHAT = "a map from URL (or name) to settings";

/** `websites:` of the YAML. */
export const websitesSchema = z.record(z.string(), siteSchema, { error: WHAT })
  .nullish().transform((given) => given ?? {});

/**
 * Checks which URL each site has: in its key, or in `url` where the key is a name. Two sites without
 * a name may not have the same one.
 *
 * @param websites What the YAML has at `websites:`
 */
export function checkWebsites(websites: unknown, findings: Findings): void {
  if (!isMap(websites)) return;
  const keyOfUrl = new Map<string, string>();
  for (const [key, settings] of Object.entries(websites)) {
    const path = ["websites", key];
    if (findings.isSettled([...path, "url"])) continue;
    const url = isMap(settings) && isGiven(settings.url) ? settings.url : undefined;
    if (url === undefined) checkKey(key, path, keyOfUrl, findings);
    else checkNamed(key, url, path, findings);
  }
}

function checkKey(key: string, path: Path, keyOfUrl: Map<string, string>, findings: Findings) {
  if (!isWebUrl(key)) {
    return findings.add(path, 'expected an http or https URL, or a name with "url" inside');
  }
  if (key.includes("${")) {
    return findings.add(path, 'expected a URL without "${": put it into "url" under a name');
  }
  const expectation = checkUrl(key);
  if (expectation !== null) return findings.expected(path, expectation, key);
  const same = normaliseUrl(key);
  const other = keyOfUrl.get(same);
  if (other === undefined) keyOfUrl.set(same, key);
  else {
    findings.add(
      path,
      `expected another URL than ${quote(other)}, which is the same; to check it in two ways, ` +
        'put a name in the place of one and the URL into "url" inside',
    );
  }
}

function checkNamed(key: string, url: unknown, path: Path, findings: Findings) {
  if (isWebUrl(key)) {
    return findings.expected(
      [...path, "url"],
      'no "url" where the key is a URL (a name in the key\'s place goes with it)',
      url,
    );
  }
  // deno-lint-ignore no-control-regex
  if (key.length > MAX_NAME || /^$|^\s|\s$|[\x00-\x1f\x7f-\x9f]|\p{Surrogate}/u.test(key)) {
    findings.expected(path, NAME, key);
  }
  const expectation = typeof url === "string" ? checkUrl(url) : null;
  if (expectation !== null) findings.expected([...path, "url"], expectation, url);
}

/**
 * Checks what each site, and `defaults:`, says beside its URL.
 *
 * @param root The whole YAML
 */
export function checkSettings(root: Readonly<Record<string, unknown>>, findings: Findings): void {
  const defaults = { settings: mapAt(root, "defaults"), path: ["defaults"] };
  checkSite(null, defaults, [], findings);
  for (const [key, given] of Object.entries(mapAt(root, "websites"))) {
    const settings = isMap(given) ? given : {};
    const url = typeof settings.url === "string" ? settings.url : key;
    checkSite(url, { settings, path: ["websites", key] }, [defaults], findings);
  }
}

/** What the files named by the sites and by `defaults:` hold. */
export interface WebsiteFiles {
  defaults: SiteFiles;
  /** By the site's key; sites that name no file are not there. */
  sites: ReadonlyMap<string, SiteFiles>;
}

/** Reads the files that `root`, the whole YAML, names in `websites:` and `defaults:`. */
export function readWebsiteFiles(
  root: Readonly<Record<string, unknown>>,
  reader: TextReader,
  findings: Findings,
): WebsiteFiles {
  const files = new SiteFileReader(reader, findings);
  const { websites } = root;
  const sites = new Map<string, SiteFiles>();
  for (const [key, settings] of Object.entries(isMap(websites) ? websites : {})) {
    const found = files.read(settings, ["websites", key]);
    if (found !== NO_FILES) sites.set(key, found);
  }
  return { defaults: files.read(root.defaults, ["defaults"]), sites };
}

/** The sites of a checked `websites:`, in the order of the file. */
export function toSites(
  yaml: z.output<typeof websitesSchema>,
  files: WebsiteFiles["sites"],
  defaults: Layer,
): Site[] {
  return Object.entries(yaml).map(([key, settings]) =>
    toSite(key, settings, files.get(key) ?? NO_FILES, defaults)
  );
}

import { z } from "zod";
import { oneOf } from "../fields.ts";
import type { Loading } from "../part.ts";
import type { Findings, Path } from "../say/findings.ts";
import { quote } from "../say/show.ts";
import type { Outside } from "../source/outside.ts";
import { isGiven, isMap, mapAt } from "../source/raw.ts";
import type { Config, Site } from "../types.ts";
import { checkSite, type RawSettings } from "./site_checks.ts";
import { isEnabled, type Layer, settingsSchema, siteSchema, toLayer, toSettings } from "./site.ts";
import { siteFileReader } from "./site_files.ts";
import { checkUrl, isWebUrl, MAX_URL, normaliseUrl } from "./urls.ts";

const MAX_NAME = 255;
const NAME = `a name of at most ${MAX_NAME} characters, without control characters ` +
  "and without spaces around it";
const WHAT = "a map from URL (or name) to settings";

/** `websites:` of the YAML. */
export const websitesSchema = z.record(z.string(), siteSchema, { error: WHAT })
  .nullish().transform((given) => given ?? {});

/** `templates:` of the YAML. */
export const templatesSchema = z.record(z.string(), settingsSchema, {
  error: "a map from a template's name to settings",
}).nullish().transform((given) => given ?? {});

/** The sections that say what sites there are, and how they are checked. */
interface Yaml {
  websites: z.output<typeof websitesSchema>;
  templates: z.output<typeof templatesSchema>;
  defaults: Layer["yaml"];
}

interface OfSites extends Pick<Config, "templates" | "siteDefaults"> {
  sites: Site[];
  disabledSites: Site[];
}

/**
 * Notes what is wrong with sites, templates and defaults beside single values, and reads the files that
 * they name.
 *
 * @returns Gives the sites of a checked config, in the order of the file
 */
export function loadSites(loading: Loading): (yaml: Yaml) => OfSites {
  const { root, uses, outside, findings, reader } = loading;
  checkUrls(root.websites, outside, findings);
  // For modes that check no sites, templates may be in files that are not read.
  const isUsed = uses("websites");
  const defaults = { settings: mapAt(root, "defaults"), path: ["defaults"] };
  const templates = entriesOf(root, "templates");
  checkSite(null, defaults, [], findings);
  for (const template of templates.values()) checkSite(null, template, [defaults], findings);
  const sites = [...entriesOf(root, "websites")].map(([key, own]) => {
    const { url = key, use } = own.settings;
    const used = [use].flat().filter((name) => typeof name === "string");
    if (isUsed) checkUse(own, used, templates, findings);
    const fallbacks = [...used.reverse().flatMap((name) => templates.get(name) ?? []), defaults];
    checkSite(String(url), own, fallbacks, findings);
    return { key, layers: [own, ...fallbacks] };
  });
  const readFiles = siteFileReader(reader, findings);
  const all = isUsed
    ? [...sites.map(({ layers: [own] }) => own!), ...templates.values(), defaults]
    : [];
  const files = new Map(all.map((raw) => [raw, readFiles(raw)]));
  return (yaml) => {
    const made = new Map<RawSettings, Layer>();
    const layerOf = (raw: RawSettings): Layer => {
      const layer = made.get(raw) ??
        toLayer(checkedAt(yaml, raw.path), files.get(raw), outside.secretsOf(raw.path));
      made.set(raw, layer);
      return layer;
    };
    const ofSites: OfSites = {
      sites: [],
      disabledSites: [],
      templates: Object.fromEntries(
        [...templates].map(([name, raw]) => [name, toSettings([raw, defaults].map(layerOf))]),
      ),
      siteDefaults: toSettings([layerOf(defaults)]),
    };
    for (const { key, layers: raw } of sites) {
      const layers = raw.map(layerOf);
      const { url } = yaml.websites[key]!;
      (isEnabled(layers) ? ofSites.sites : ofSites.disabledSites).push({
        name: url === null ? null : key,
        url: outside.writtenAt(["websites", key, "url"]) ?? url ?? key,
        requestUrl: url ?? key,
        ...toSettings(layers),
      });
    }
    return ofSites;
  };
}

/** What stands at the path of a section, or of one of its entries. */
function checkedAt(yaml: Yaml, [section, key]: Path): Layer["yaml"] {
  return section === "defaults" ? yaml.defaults : yaml[section as "websites"][key!]!;
}

/** Settings of sites by their keys in a section. */
function entriesOf(root: unknown, section: "websites" | "templates"): Map<string, RawSettings> {
  return new Map(
    Object.entries(mapAt(root, section)).map(([key, settings]) => [
      key,
      { settings: isMap(settings) ? settings : {}, path: [section, key] },
    ]),
  );
}

function checkUse(
  { path }: RawSettings,
  used: readonly string[],
  templates: ReadonlyMap<string, unknown>,
  findings: Findings,
): void {
  const names = [...templates.keys()].map(quote);
  const known = names.length > 0 ? `: ${oneOf(names)}` : ", of which there are none";
  for (const name of used.filter((name) => !templates.has(name))) {
    findings.add([...path, "use"], `expected a template${known}, found ${quote(name)}`);
  }
}

/** Checks which URL each site has: in its key, or in `url` where the key is a name. */
function checkUrls(websites: unknown, outside: Outside, findings: Findings): void {
  if (!isMap(websites)) return;
  const keyOfUrl = new Map<string, string>();
  for (const [key, settings] of Object.entries(websites)) {
    const path = ["websites", key];
    if (findings.isSettled([...path, "url"])) continue;
    const url = isMap(settings) && isGiven(settings.url) ? settings.url : undefined;
    if (url === undefined) checkKey(key, path, keyOfUrl, findings);
    else checkNamed(key, url, path, outside, findings);
  }
}

/** A site without a name; two of them may not have the same URL. */
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

function checkNamed(
  key: string,
  url: unknown,
  path: Path,
  outside: Outside,
  findings: Findings,
) {
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
  const written = outside.writtenAt([...path, "url"]);
  if (written !== null && written.length > MAX_URL) {
    findings.add([...path, "url"], `expected at most ${MAX_URL} characters, as it is recorded so`);
  }
}

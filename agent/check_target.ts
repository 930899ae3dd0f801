import { closest, distance } from "fastest-levenshtein";
import { quote } from "../config/show.ts";
import { type Config, type Site, siteId } from "../config/types.ts";
import { checkUrl, isWebUrl, normaliseUrl } from "../config/urls.ts";
import { UsageError } from "../runtime/exit_codes.ts";

/** Sites that a message names. */
const MAX_NAMES = 8;

/**
 * The site that a person means by a name or a URL: one of the config, or for another URL one with the
 * config's defaults.
 *
 * @param file The config's, as the person named it
 * @throws {UsageError} Where there is no such site, or more than one
 */
export function findTarget(
  target: string,
  { sites, siteDefaults }: Pick<Config, "sites" | "siteDefaults">,
  file: string,
): Site {
  const named = sites.find((site) => siteId(site) === target);
  if (named) return named;
  if (!isWebUrl(target)) throw new UsageError(notFound(target, sites, file));
  const expectation = checkUrl(target);
  if (expectation !== null) {
    throw new UsageError(`Expected ${expectation}, found ${quote(target)}`);
  }
  const same = sites.filter(({ url }) => normaliseUrl(url) === normaliseUrl(target));
  const one = same.find(({ name }) => name === null) ?? same[0];
  if (one && one.name !== null && same.length > 1) {
    const names = same.map((site) => quote(siteId(site))).join(", ");
    throw new UsageError(`The config has ${same.length} sites of this URL; name one of ${names}`);
  }
  return one ?? { ...siteDefaults, name: null, url: target };
}

function notFound(target: string, sites: readonly Site[], file: string): string {
  if (target.includes(".") && URL.canParse(`https://${target}`)) {
    return `No site is named ${quote(target)}; if it is meant as a URL, write ${
      quote(`https://${target}`)
    }`;
  }
  if (sites.length === 0) {
    return `No site is named ${quote(target)}, as ${
      quote(file)
    } has no sites or is not there; name a config with -c, or give a URL`;
  }
  const names = sites.map(siteId);
  const near = closest(target, names);
  if (distance(target, near) <= 3) {
    return `No site is named ${quote(target)}; did you mean ${quote(near)}?`;
  }
  const shown = names.slice(0, MAX_NAMES).map(quote).join(", ");
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return `No site is named ${quote(target)}; the config has ${shown}${more}`;
}

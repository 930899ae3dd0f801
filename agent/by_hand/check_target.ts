import { closest, distance } from "fastest-levenshtein";
import { quote } from "../../config/say/show.ts";
import { type Config, type Site, siteId } from "../../config/types.ts";
import { checkUrl, isWebUrl, normaliseUrl } from "../../config/site/urls.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";

/** Sites that a message names. */
const MAX_NAMES = 8;

/**
 * The site that a person means by a name, a URL, or a host, which is asked by https: one of the
 * config, also one that is not enabled, or for another URL one with the config's defaults.
 *
 * @param file The config's, as the person named it
 * @throws {UsageError} Where there is no such site, or more than one
 */
export function findTarget(
  target: string,
  { sites: enabled, disabledSites, siteDefaults }: Pick<
    Config,
    "sites" | "disabledSites" | "siteDefaults"
  >,
  file: string,
): Site {
  const sites = [...enabled, ...disabledSites];
  const named = sites.find((site) => siteId(site) === target);
  if (named) return named;
  const url = isWebUrl(target) || !isHost(target) ? target : `https://${target}`;
  if (!isWebUrl(url)) throw new UsageError(notFound(target, sites, file));
  const expectation = checkUrl(url);
  if (expectation !== null) {
    throw new UsageError(`Expected ${expectation}, found ${quote(target)}`);
  }
  const same = sites.filter(({ requestUrl }) => normaliseUrl(requestUrl) === normaliseUrl(url));
  const one = same.find(({ name }) => name === null) ?? same[0];
  if (one && one.name !== null && same.length > 1) {
    const names = same.map((site) => quote(siteId(site))).join(", ");
    throw new UsageError(`The config has ${same.length} sites of this URL; name one of ${names}`);
  }
  return one ?? { ...siteDefaults, name: null, url, requestUrl: url };
}

/** "example.org", "localhost:8080/health", "[::1]"; a word alone is the name of a site. */
function isHost(target: string): boolean {
  return /^(?:\[[\da-f:.]+\]|localhost|[^\s/:?#@[\]]+\.[^\s/:?#@[\]]+|[^\s/:?#@[\]]+(?=:\d))(?::\d+)?(?:[/?#]|$)/i
    .test(target) && URL.canParse(`https://${target}`);
}

function notFound(target: string, sites: readonly Site[], file: string): string {
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

import { checkUrl, isWebUrl, normaliseUrl } from "../config/site/urls.ts";
import type { Imported, Settings } from "./source.ts";

/** A URL a line, or a host, which is asked by https; what follows "#" is left out. */
export function importUrls(text: string, lost: string[]): Imported["config"] {
  const websites: Record<string, Settings> = {};
  const known = new Set<string>();
  for (const [i, line] of text.split(/\r\n|\r|\n/).entries()) {
    const given = line.replace(/(?:^|\s)#.*$/, "").trim();
    if (given === "") continue;
    if (/^\w+:\/\//.test(given) && !isWebUrl(given)) {
      lost.push(`line ${i + 1}: only http and https are checked`);
      continue;
    }
    const url = isWebUrl(given) ? given : `https://${given}`;
    const expected = checkUrl(url);
    if (expected !== null) lost.push(`line ${i + 1}: expected ${expected}`);
    else if (known.has(normaliseUrl(url))) lost.push(`line ${i + 1}: the URL is there already`);
    else {
      known.add(normaliseUrl(url));
      websites[url] = {};
    }
  }
  return { websites };
}
